// SPDX-License-Identifier: GPL-2.0-or-later
/* ovs-bpfctl: a command to the daemon, its answer to standard output. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char usage[] =
	"Usage: ovs-bpfctl [--rundir DIR] [-j] OBJECT VERB [ARGUMENT]...\n"
	"\n"
	"  dp show                             the datapath, its ports and counters\n"
	"  dp del                              delete it; the daemon ends\n"
	"  port add DEVICE [NUMBER] [internal] add a port\n"
	"  port del DEVICE                     remove it\n"
	"  port list\n"
	"  prog load [--replace] NAME FILE     load a BPF program for rules to name\n"
	"  prog unload NAME\n"
	"  prog list\n"
	"  prog show [NAME]                    what programs are, and what they may write\n"
	"  prog check FILE                     load it for a try: what it may write, or why\n"
	"                                      the kernel refuses it, and what to do\n"
	"  rule add RULE                       in the syntax of ovs-ofctl, with bpf(NAME)\n"
	"  rule load FILE                      all rules of a file, or none\n"
	"  rule del [MATCH]                    the rules within a match; all\n"
	"  rule dump                           with counters\n"
	"  flow dump                           the megaflows of the datapath\n"
	"  upcall show                         what became of upcalls\n"
	"\n"
	"In rules: bpf(NAME[,arg=N][,result=regN][,mode=program|always|changed|auto])\n"
	"  auto      recheck only if the program may write what is read behind it (default)\n"
	"  changed   recheck if it has changed what is read behind it\n"
	"  always    look every packet up again\n"
	"  program   trust it to ask for that\n"
	"\n"
	"-j: JSON, from prog show (an object a line) and prog check.\n";

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "ovs-bpfctl: %s%s%s\n", what, why ? ": " : "",
		why ? why : "");
	exit(1);
}

static int dial(const char *rundir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[PATH_MAX];
	int pid, fd;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ovs-bpfd.pid", rundir);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &pid) != 1)
		die("no ovs-bpfd is running", path);
	fclose(f);
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ovs-bpfd.%d.ctl",
		     rundir, pid) >= (int)sizeof(addr.sun_path))
		die("the name of the folder is too long", rundir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("can't reach ovs-bpfd", strerror(errno));
	return fd;
}

/* The daemon has a working folder of its own. */
static json_t *argument(const char *arg, int is_file)
{
	char path[PATH_MAX];

	if (is_file && !realpath(arg, path))
		die(arg, strerror(errno));
	return json_string(is_file ? path : arg);
}

static int takes_file(const char *object, const char *verb)
{
	return (!strcmp(verb, "load") &&
		(!strcmp(object, "prog") || !strcmp(object, "rule"))) ||
	       (!strcmp(verb, "check") && !strcmp(object, "prog"));
}

static json_t *request(int argc, char **argv, int as_json)
{
	json_t *params = json_array();
	char method[64];
	int i;

	snprintf(method, sizeof(method), "%s/%s", argv[0], argv[1]);
	if (as_json)
		json_array_append_new(params, json_string("-j"));
	for (i = 2; i < argc; i++)
		json_array_append_new(params, argument(argv[i], i == argc - 1 &&
						       takes_file(argv[0], argv[1])));
	return json_pack("{s:i,s:s,s:o}", "id", 1, "method", method, "params",
			 params);
}

static int send_chunk(const char *buf, size_t len, int fd)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			return -1;
		buf += n;
		len -= n;
	}
	return 0;
}

static int send_all(const char *buf, size_t len, void *fd)
{
	return send_chunk(buf, len, *(int *)fd);
}

int main(int argc, char **argv)
{
	const char *rundir = "/run/ovs-bpf";
	int as_json = 0, fd;
	json_t *reply, *error;
	json_error_t jerr;

	argc--;
	argv++;
	if (argc >= 2 && !strcmp(argv[0], "--rundir")) {
		rundir = argv[1];
		argc -= 2;
		argv += 2;
	}
	if (argc && !strcmp(argv[0], "-j")) {
		as_json = 1;
		argc--;
		argv++;
	}
	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2) {
		fputs(usage, stderr);
		return 2;
	}
	fd = dial(rundir);
	if (json_dump_callback(request(argc, argv, as_json), send_all, &fd, JSON_COMPACT))
		die("can't reach ovs-bpfd", strerror(errno));
	reply = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, &jerr);
	if (!reply)
		die("ovs-bpfd closed the connection", NULL);
	error = json_object_get(reply, "error");
	if (json_is_string(error) && as_json &&
	    *json_string_value(error) == '{') {
		fputs(json_string_value(error), stdout);
		return 1;
	}
	if (json_is_string(error))
		die(json_string_value(error), NULL);
	fputs(json_string_value(json_object_get(reply, "result")), stdout);
	return 0;
}
