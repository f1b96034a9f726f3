"""An imitation of the xtcp 0.2 server, for tests.

It is written from the observed behaviour of that server: one request and at
most one answer per connection, strict framing, and every error sent as an
ordinary answer that holds a Python traceback.

    python3 old_server.py [--port N] [--host H] [--delay-close SECONDS]

It prints `listening HOST PORT` once it listens, and runs until SIGTERM, SIGINT
or the end of its stdin (so keep stdin open: /dev/null ends it at once).
"""
import argparse
import asyncio
import contextlib
import inspect
import os
import re
import signal
import socket
import struct
import threading
import traceback

END = b'\r\n\r\n'
READ_MAX_BYTES = 1024 * 1024  # the whole request, END included
METHOD = re.compile(rb'[0-9A-Za-z_.]+')
# Newer Pythons underline parts of a traceback's source lines; old ones did not.
UNDERLINES = re.compile(r'^[ ~^]*[~^][ ~^]*\n', re.MULTILINE)

RESET = object()  # returned by a method that wants the connection reset


class Half(bytes):
    """A result of which only the first half of the answer is written."""


def pack(result):
    return b'%d\r\n%s' % (len(result), result) + END


async def slow(seconds):
    await asyncio.sleep(float(seconds.decode()))
    return b'done'


def fail(_):
    raise ValueError('bad name')


def length_is(digits, text):
    return digits.isdigit() and (digits.lstrip(b'0') or b'0') == b'%d' % len(text)


def parse(request):
    pieces = request.split(b'\r\n')
    if len(pieces) == 4:
        method_length, method, params_length, params = pieces
        if (length_is(method_length, method) and METHOD.fullmatch(method)
                and length_is(params_length, params)):
            return method.decode(), params
    raise Exception('XTCP Server: Malformed Client Request')


class Server:
    def __init__(self, delay_close):
        self.delay_close = delay_close
        self.calls = 0
        self.methods = {  # each takes the params and returns the result, as bytes
            'toupper': lambda params: params.upper(),  # ASCII letters only
            'info': lambda params: params,
            'echo': lambda params: params,
            'nothing': lambda params: None,
            'fail': fail,
            'crlf': lambda params: b'one\r\ntwo',
            'big': lambda params: b'x' * int(params.decode()),
            'slow': slow,
            'count': lambda params: b'%d' % self.calls,  # this call included
            'half': Half,
            'reset': lambda params: RESET,
        }

    async def call(self, request):
        try:
            name, params = parse(request)
            method = self.methods[name]
            self.calls += 1
            result = method(params)
            return await result if inspect.isawaitable(result) else result
        except Exception:
            return UNDERLINES.sub('', traceback.format_exc()).encode('utf-8', 'backslashreplace')

    async def read_request(self, reader):
        """What comes before the first END; None if it ends early or is too long."""
        data = bytearray()
        while len(data) <= READ_MAX_BYTES:
            chunk = await reader.read(65536)
            if not chunk:
                return None
            start = max(0, len(data) - len(END) + 1)
            data += chunk
            end = data.find(END, start)
            if end >= 0:
                return bytes(data[:end]) if end + len(END) <= READ_MAX_BYTES else None
        return None

    async def serve(self, reader, writer):
        try:
            request = await self.read_request(reader)
            result = None if request is None else await self.call(request)
            if result is RESET:
                writer.get_extra_info('socket').setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                writer.transport.abort()
            elif result:
                answer = pack(result)
                writer.write(answer[:len(answer) // 2] if isinstance(result, Half) else answer)
                await writer.drain()
                await asyncio.sleep(self.delay_close)
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the server is ending
        finally:
            writer.close()


def watch_stdin(loop, stop):
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop.set)


async def main(options):
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listener = await asyncio.start_server(
        Server(options.delay_close).serve, options.host, options.port, limit=READ_MAX_BYTES)
    threading.Thread(target=watch_stdin, args=(loop, stop), daemon=True).start()
    host, port = listener.sockets[0].getsockname()[:2]
    print('listening', host, port, flush=True)
    await stop.wait()
    listener.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--delay-close', type=float, default=0, metavar='SECONDS')
    asyncio.run(main(parser.parse_args()))
