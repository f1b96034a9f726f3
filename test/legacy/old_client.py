"""An imitation of the xtcp 0.2 client, for tests.

It is written from the observed behaviour of that client: one connection per
call, and an answer that must split into exactly length, body, empty, empty. So
it fails on an empty result and on one with a line end (\\r\\n) inside, and it
cannot tell a traceback from a result.

    python3 old_client.py HOST PORT METHOD PARAMS [METHOD PARAMS ...]
        [--timeout SECONDS] [--connect-timeout SECONDS] [--max-response BYTES] [--raw]

It writes the body to stdout as it is and exits 0; with several calls, made one
after the other, each body is followed by a newline. If a call fails it writes
one line to stderr, makes no further call and exits 1 (2 for bad usage). With
--raw it writes each answer as it came, framing included and before it is
checked, and adds no newline. Params that start with `-` need a `--` before HOST.
"""
import argparse
import os
import socket
import sys
import time

END = b'\r\n\r\n'


class CallError(Exception):
    pass


def pack(method, params):
    return b'%d\r\n%s\r\n%d\r\n%s' % (len(method), method, len(params), params) + END


def exchange(connection, request, options):
    """Send the request, and return the answer up to and with the first END."""
    deadline = time.monotonic() + options.timeout

    def with_time_left():
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        connection.settimeout(left)
        return connection

    data = bytearray()
    try:
        with_time_left().sendall(request)
        while len(data) <= options.max_response:
            chunk = with_time_left().recv(65536)
            if not chunk:
                raise CallError('connection closed after %d bytes of the answer' % len(data))
            start = max(0, len(data) - len(END) + 1)
            data += chunk
            end = data.find(END, start)
            if 0 <= end <= options.max_response - len(END):
                return bytes(data[:end + len(END)])
            if end >= 0:
                break
    except socket.timeout:
        raise CallError('no answer within %g s' % options.timeout)
    except OSError as error:
        raise CallError('connection failed: %s' % error)
    raise CallError('the answer is over %d bytes' % options.max_response)


def body_of(answer):
    pieces = answer.split(b'\r\n')
    if len(pieces) != 4 or pieces[2:] != [b'', b'']:
        raise CallError('malformed answer: %d pieces, not length, body and end' % len(pieces))
    digits, body = pieces[:2]
    if not digits.isdigit() or (digits.lstrip(b'0') or b'0') != b'%d' % len(body):
        raise CallError('malformed answer: length %r of %d bytes' % (digits[:20], len(body)))
    return body


def call(method, params, options):
    """Make one call on a connection of its own; return the whole answer."""
    address = (options.host, options.port)
    try:
        connection = socket.create_connection(address, options.connect_timeout)
    except socket.timeout:
        raise CallError('not connected within %g s' % options.connect_timeout)
    except OSError as error:
        raise CallError('cannot connect: %s' % error)
    with connection:
        return exchange(connection, pack(method, params), options)


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def seconds(text):
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('host', metavar='HOST')
    parser.add_argument('port', metavar='PORT', type=int)
    parser.add_argument('calls', metavar='METHOD PARAMS', nargs='+')
    parser.add_argument('--timeout', type=seconds, default=2, metavar='SECONDS',
                        help='from the request being written to its answer')
    parser.add_argument('--connect-timeout', type=seconds, default=0.2, metavar='SECONDS')
    parser.add_argument('--max-response', type=int, default=10 * 1024 * 1024, metavar='BYTES',
                        help='of the whole answer, framing included')
    parser.add_argument('--raw', action='store_true')
    options = parser.parse_args()
    if len(options.calls) % 2:
        parser.error('METHOD and PARAMS come in pairs')
    if not 0 < options.port < 65536:
        parser.error('PORT is 1 to 65535')
    return options


def main():
    options = parse_arguments()
    words = [os.fsencode(word) for word in options.calls]
    for method, params in zip(words[::2], words[1::2]):
        try:
            answer = call(method, params, options)
            if options.raw:
                write(answer)
            body = body_of(answer)
        except CallError as error:
            print('%r: %s' % (os.fsdecode(method), error), file=sys.stderr)
            return 1
        if not options.raw:
            write(body + b'\n' if len(words) > 2 else body)
    return 0


if __name__ == '__main__':
    sys.exit(main())
