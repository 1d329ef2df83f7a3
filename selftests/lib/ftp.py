#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A tiny FTP server and client, to have conntrack's FTP helper at work.

ftp.py server ADDRESS READY-FILE
ftp.py passive|active SERVER: fetch the file; succeeds if all of it came."""
import socket
import sys

DATA = b'ftp data ' * 2000


def family(addr):
    return socket.AF_INET6 if ':' in addr else socket.AF_INET


def listener(addr, port=0):
    s = socket.socket(family(addr))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(8)
    return s


def serve_one(conn):
    conn.sendall(b'220 ready\r\n')
    lines = conn.makefile('rb')
    local = conn.getsockname()[0]
    passive = target = None
    for line in lines:
        cmd, _, arg = line.decode().strip().partition(' ')
        if cmd == 'PASV':
            passive = listener(local)
            port = passive.getsockname()[1]
            conn.sendall(('227 Entering Passive Mode (%s,%d,%d).\r\n' % (
                local.replace('.', ','), port >> 8, port & 255)).encode())
        elif cmd == 'EPSV':
            passive = listener(local)
            conn.sendall(('229 Entering Extended Passive Mode (|||%d|)\r\n' %
                          passive.getsockname()[1]).encode())
        elif cmd == 'PORT':
            n = arg.split(',')
            target = ('.'.join(n[:4]), int(n[4]) * 256 + int(n[5]))
            conn.sendall(b'200 ok\r\n')
        elif cmd == 'EPRT':
            target = (arg.split('|')[2], int(arg.split('|')[3]))
            conn.sendall(b'200 ok\r\n')
        elif cmd == 'USER':
            conn.sendall(b'230 welcome\r\n')
        elif cmd == 'RETR':
            conn.sendall(b'150 here it comes\r\n')
            if passive:
                data = passive.accept()[0]
            else:
                data = socket.create_connection(target, 20)
            data.sendall(DATA)
            data.close()
            conn.sendall(b'226 done\r\n')
        elif cmd == 'QUIT':
            conn.sendall(b'221 bye\r\n')
            return


def server(addr, ready):
    s = listener(addr, 21)
    open(ready, 'w').close()
    while True:
        conn = s.accept()[0]
        conn.settimeout(30)
        try:
            serve_one(conn)
        except OSError:
            pass
        conn.close()


def client(mode, addr):
    ctl = socket.create_connection((addr, 21), 10)
    ctl.settimeout(10)
    lines = ctl.makefile('rb')
    v6 = family(addr) == socket.AF_INET6

    def ask(text, code):
        if text:
            ctl.sendall(text.encode() + b'\r\n')
        line = lines.readline().decode()
        assert line.startswith(code), line
        return line

    ask('', '220')
    # Conntrack's helper reads commands behind the end of another only.
    ask('USER x', '230')
    waiting = None
    if mode == 'passive' and v6:
        port = int(ask('EPSV', '229').split('|||')[1].split('|')[0])
        target = (addr, port)
    elif mode == 'passive':
        n = ask('PASV', '227').split('(')[1].split(')')[0].split(',')
        target = ('.'.join(n[:4]), int(n[4]) * 256 + int(n[5]))
    else:
        local = ctl.getsockname()[0]
        waiting = listener(local)
        waiting.settimeout(10)
        port = waiting.getsockname()[1]
        if v6:
            ask('EPRT |2|%s|%d|' % (local, port), '200')
        else:
            ask('PORT %s,%d,%d' % (local.replace('.', ','), port >> 8, port & 255), '200')
    if waiting:
        ask('RETR f', '150')
        data = waiting.accept()[0]
    else:
        data = socket.create_connection(target, 10)
        ask('RETR f', '150')
    data.settimeout(10)
    got = b''
    while len(got) < len(DATA):
        more = data.recv(65536)
        if not more:
            break
        got += more
    assert got == DATA, len(got)
    ask('', '226')
    ask('QUIT', '221')


if sys.argv[1] == 'server':
    server(sys.argv[2], sys.argv[3])
else:
    client(sys.argv[1], sys.argv[2])
