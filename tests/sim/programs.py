"""Programs that several boards run."""

# A second terminal, as WebREPL is one: what it sends can be read from stdin, and Ctrl-C among it interrupts.
SECOND_TERMINAL = """\
import io, os, sys, time
class Terminal(io.IOBase):
    def __init__(self, data):
        self.data = data
    def readinto(self, buf):
        if not self.data:
            return None
        buf[0] = self.data[0]
        self.data = self.data[1:]
        return 1
    def write(self, data):
        return len(data)
    def ioctl(self, request, argument):
        return 0
def send(data):
    before = os.dupterm(Terminal(data))
    try:
        os.dupterm_notify(None)
    finally:
        os.dupterm(before)
send(b"two")
print(sys.stdin.buffer.read(3))
try:
    send(bytes((3,)))
    time.sleep(5)
    print("lost")
except KeyboardInterrupt:
    print("interrupted")
print("goes on")
"""
