"""Two people talk over REST and Python's websockets: chat.py http://HOST:PORT"""

import json
import random
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

URL = sys.argv[1]
WS = "ws" + URL.removeprefix("http") + "/ws"
# Everything that was opened is closed at the end.
OPEN = ExitStack()
MARK = f"{random.SystemRandom().getrandbits(40):010x}"


def ask(method, path, body=None, token=None):
    request = urllib.request.Request(f"{URL}/api/v1{path}", method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def sign_up(name):
    status, made = ask("POST", "/users", {"name": name, "password": f"a password of {name}"})
    assert status == 201, made
    return made["token"]


class Line:
    """One WebSocket on which somebody speaks parlour.v1."""

    def __init__(self, token, path="", **options):
        options.setdefault("additional_headers", {"Authorization": f"Bearer {token}"})
        options.setdefault("subprotocols", ["parlour.v1"])
        self.socket = OPEN.enter_context(connect(WS + path, **options))
        assert self.socket.subprotocol == "parlour.v1"
        self.waiting, self.asked = [], 0
        self.hello = self.find(lambda it: it.get("event") == "hello")

    def find(self, fits):
        for at, value in enumerate(self.waiting):
            if fits(value):
                return self.waiting.pop(at)
        while True:
            value = json.loads(self.socket.recv(timeout=10))
            if fits(value):
                return value
            if value:
                self.waiting.append(value)
            else:
                self.socket.send("{}")

    def event(self, name):
        return self.find(lambda it: it.get("event") == name)

    def ask(self, do, **fields):
        self.asked += 1
        number = self.asked
        self.socket.send(json.dumps({"id": number, "do": do, **fields}))
        return self.find(lambda it: it.get("re") == number)

    def done(self, do, **fields):
        answer = self.ask(do, **fields)
        assert "ok" in answer, (do, fields, answer)
        return answer["ok"]


def refused(**options):
    try:
        with connect(WS, **options):
            raise AssertionError(f"{options} got in")
    except InvalidStatus as error:
        return error.response.status_code


assert refused() == 401
assert refused(additional_headers={"Authorization": "Bearer nonsense"}) == 401

ana_name, bo_name, den = f"ana-{MARK}", f"bo-{MARK}", f"den-{MARK}"
ana_token, bo_token = sign_up(ana_name), sign_up(bo_name)
assert ask("POST", "/users", {"name": ana_name, "password": "another one"})[0] == 409

# They talk.
ana = Line(ana_token)
# As a page of another origin does.
bo = Line(
    bo_token,
    additional_headers={},
    origin="https://elsewhere.example",
    subprotocols=["parlour.v1", f"bearer.{bo_token}"],
)
assert ana.hello["user"]["name"] == ana_name and ana.hello["rooms"] == []
ana.done("create_room", room=den, title="Den 🏡")
assert bo.done("join", room=den)["title"] == "Den 🏡"
sent = ana.done("send", room=den, text=f"hi @{bo_name} 👋", key="k1")
assert ana.done("send", room=den, text=f"hi @{bo_name} 👋", key="k1") == {**sent, "repeat": True}
assert ana.ask("send", room=den, text="other", key="k1")["error"]["code"] == "key_reused"
heard = bo.event("message")
assert (heard["text"], heard["seq"]) == (f"hi @{bo_name} 👋", sent["seq"])
assert bo.event("notification")["notification"]["kind"] == "mention"
bo.done("react", room=den, seq=sent["seq"], emoji="👍")
assert ana.event("reaction")["from"] == bo_name

# Bo is away for a while, and misses nothing.
version, epoch = heard["version"], bo.hello["epoch"]
bo.socket.close()
for number in range(100):
    ana.done("send", room=den, text=f"message {number}")
ana.done("edit", room=den, seq=sent["seq"], text="changed")
bo = Line(bo_token, "?hold=1")
bo.socket.send(json.dumps({"id": 0, "do": "resume", "epoch": epoch, "rooms": {den: version}}))
place = bo.find(lambda it: it.get("re") == 0)["ok"]["rooms"][den]
assert place == {"from": version, "to": version + 102, "mode": "events"}, place
ana.done("send", room=den, text="live")
missed = [bo.find(lambda it: "version" in it) for _ in range(102)]
assert [it["version"] for it in missed] == list(range(version + 1, version + 103))
texts = [it["text"] for it in missed if it["event"] == "message"]
assert texts == [f"message {number}" for number in range(100)]
assert bo.event("caught_up")["room"] == den
assert bo.event("message")["text"] == "live"

# Requests and sockets are about the same things.
status, page = ask("GET", f"/rooms/{den}/messages?limit=1", token=bo_token)
assert status == 200 and page["messages"][0]["text"] == "live", page
status, made = ask("POST", f"/rooms/{den}/messages", {"text": "by request"}, token=bo_token)
assert status == 201, made
assert ana.find(lambda it: it.get("text") == "by request")["from"] == bo_name

# Who signs out is out.
assert ask("DELETE", "/tokens/current", token=bo_token)[0] == 204
assert bo.event("bye")["code"] == 4001
try:
    bo.socket.recv(timeout=10)
    raise AssertionError("still there")
except ConnectionClosed as end:
    assert end.rcvd.code == 4001, end
assert refused(additional_headers={"Authorization": f"Bearer {bo_token}"}) == 401
OPEN.close()
print("two people have talked")
