"""Runs a program on a pseudo-terminal of 100 columns, and prints all that it prints there.

python3 pseudo-terminal.py [--interrupt-at TEXT] PROGRAM ARGUMENT…: presses Ctrl-C once TEXT is printed.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

arguments = sys.argv[1:]
interrupt_at = None
if arguments[0] == "--interrupt-at":
    interrupt_at = arguments[1].encode()
    arguments = arguments[2:]

child, terminal = pty.fork()
if child == 0:
    # The size is that of the terminal before the program looks at it.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    os.environ["TERM"] = "xterm-256color"
    os.execvp(arguments[0], arguments)

printed = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        # Linux says EIO where the program has ended.
        break
    if not data:
        break
    printed += data
    if interrupt_at is not None and interrupt_at in printed:
        interrupt_at = None
        os.write(terminal, b"\x03")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(printed)
sys.exit(os.waitstatus_to_exitcode(status))
