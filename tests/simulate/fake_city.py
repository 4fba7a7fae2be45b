"""A small server that keeps enough of the HTTP contract for simulated people to work at.

It holds everything in memory, and it can misbehave on purpose: break connections after the work
is done, fail with 5xx, forget sessions, or acknowledge a command and lose it.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import cos, hypot, radians
from typing import Any
from urllib.parse import parse_qs, urlsplit

from muster.geography.pack import Pack
from muster.journal.clock import monotonic

STEP_STATE = {
    "deliver": "delivered",
    "sign": "signed",
    "set_out": "under_way",
    "arrive": "on_scene",
    "handle": "handling",
    "finish": "finished",
    "return": "returned",
}
ENDED = ("finished", "returned", "lapsed")


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code


@dataclass
class Trouble:
    """What to do wrong, and how often: counts go down with every time. `every`: only at every
    so-many-th request. `lose`, `double`: what happens to the entry of a command with this path.
    `refuse`: last word of a path -> code, once."""

    break_connection: int = 0
    fail: int = 0
    forget_sessions: int = 0
    every: int = 1
    lose: Callable[[str], bool] = lambda path: False
    double: Callable[[str], bool] = lambda path: False
    refuse: dict[str, str] = field(default_factory=dict)

    def strikes(self, name: str, request: int) -> bool:
        """Whether this trouble happens now; then it is one less."""
        left: int = getattr(self, name)
        if left <= 0 or request % self.every:
            return False
        setattr(self, name, left - 1)
        return True


@dataclass
class FakeCity:
    """State and clock. `speed` 0: the requests drive the clock."""

    pack: Pack
    start: datetime
    speed: float = 0.0
    trouble: Trouble = field(default_factory=Trouble)
    matters: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    crews: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    positions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ratings: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._now, self._since = self.start, monotonic()
        # A phone needs real milliseconds too: at thousands of times the speed nobody could sign.
        self.sign_s = 60 + self.speed

    def now(self) -> datetime:
        if not self.speed:
            return self._now
        return self.start + timedelta(seconds=(monotonic() - self._since) * self.speed)

    def drive(self, to: datetime) -> None:
        """Deadlines fall at their own moment, before the request that comes later."""
        for matter in list(self.matters.values()):
            for order in list(matter["orders"]):
                due = order["sign_by"]
                if order["state"] in ("given", "delivered") and due <= to:
                    self._now = max(self._now, due)
                    self._lapse(matter, order)
        self._now = max(self._now, to)

    def _lapse(self, matter: dict[str, Any], order: dict[str, Any]) -> None:
        order["state"] = "lapsed"
        self.append(matter, "order.lapsed", None)
        self._offer(matter)

    def _offer(self, matter: dict[str, Any]) -> None:
        tried = {order["unit"] for order in matter["orders"]}
        free = [unit for unit in self.nearest(matter) if unit not in tried]
        if free:
            self.give(
                matter, str(uuid.uuid5(uuid.NAMESPACE_URL, f"{matter['id']}{len(tried)}")), free[0]
            )
            self.append(matter, "order.given", None)

    def give(self, matter: dict[str, Any], order: str, unit: str) -> None:
        sign_by = self.now() + timedelta(seconds=self.sign_s)
        matter["orders"].append(
            {"order": order, "unit": unit, "state": "given", "sign_by": sign_by}
        )

    def append(self, matter: dict[str, Any], kind: str, command: str | None) -> dict[str, Any]:
        number = matter["written"] = matter["written"] + 1
        entry = {"number": number, "kind": kind, "command": command or str(uuid.uuid4())}
        matter["entries"].append(entry)
        return entry

    def bound(self) -> set[str]:
        return {
            order["unit"]
            for matter in self.matters.values()
            for order in matter["orders"]
            if order["state"] not in ENDED
        }

    def nearest(self, matter: dict[str, Any]) -> list[str]:
        bound, place = self.bound(), matter["place"]
        scale = cos(radians(place["lat"]))

        def away(unit: str) -> float:
            row = self.pack.units[unit]
            return hypot((row.lon - place["lon"]) * scale, row.lat - place["lat"])

        return sorted((one for one in self.crews if one not in bound), key=lambda u: (away(u), u))

    def row(self, matter: dict[str, Any]) -> dict[str, Any]:
        shown = {name: matter[name] for name in ("id", "level", "category", "place", "merged_into")}
        orders = [{k: o[k] for k in ("order", "unit", "state")} for o in matter["orders"]]
        active = [one["state"] for one in orders if one["state"] not in ENDED]
        state = active[-1] if active and matter["stage"] == "waiting" else matter["stage"]
        return shown | {"state": state, "reported_at": matter["reported_at"], "orders": orders}


class Handler(BaseHTTPRequestHandler):
    """Routes of one request. `city` is set on the class by `serve`."""

    city: FakeCity
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: two would wait 40 ms for each other on every answer.
    wbufsize = 65_536

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path = urlsplit(self.path).path
        city = self.city
        with city.lock:
            city.requests.append(f"{method} {path}")
            number = len(city.requests)
            if city.trouble.strikes("fail", number + 1):
                self._send(500, {"status": 500, "code": "internal"})
                return
            try:
                status, answer = self._route(method, path, body)
            except Refusal as refusal:
                problem = {"status": refusal.status, "code": refusal.code, "detail_zh": "不行"}
                status, answer = refusal.status, problem | {"detail_en": "no"}
            post = method == "POST" and status < 300
            if post and city.trouble.strikes("break_connection", number):
                self.close_connection = True
                self.connection.close()
                return
        self._send(status, answer)

    def _send(self, status: int, answer: Any) -> None:
        data = json.dumps(answer, default=lambda at: at.isoformat()).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if "csrf" in answer:
            self.send_header("Set-Cookie", f"muster_session={answer['token']}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(data)

    def _route(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        city, parts = self.city, path.strip("/").split("/")[1:]
        if parts == ["session"]:
            token = uuid.uuid4().hex
            city.sessions[token] = body["username"]
            return 201, {"csrf": f"csrf-{token}", "token": token}
        who = self._who(method)
        if said := self.headers.get("Simulated-Now"):
            city.drive(datetime.fromisoformat(said))
        elif city.speed:
            city.drive(city.now())
        if parts == ["city"]:
            clock = {"now": city.now(), "speed": city.speed}
            limits = [{"name": "sign", "seconds": round(city.sign_s), "level": None}]
            return 200, {"clock": clock, "simulated": True, "clocks": limits}
        if parts[0] == "units":
            return self._units(parts, body)
        if parts == ["my", "orders"]:
            return 200, {"orders": self._mine(who)}
        if parts == ["positions"]:
            city.positions.setdefault(body["unit"], []).extend(body["fixes"])
            return 200, {"accepted": len(body["fixes"]), "rejected": []}
        if parts[0] != "incidents":
            raise Refusal(404, "not.found")
        return self._read(parts) if method == "GET" else self._command(parts, path, body)

    def _who(self, method: str) -> str:
        token = self.headers.get("Cookie", "").removeprefix("muster_session=")
        if self.city.trouble.strikes("forget_sessions", len(self.city.requests) + 2):
            self.city.sessions.pop(token, None)
        if token not in self.city.sessions:
            raise Refusal(401, "session.required")
        if method != "GET" and self.headers.get("X-CSRF-Token") != f"csrf-{token}":
            raise Refusal(403, "session.csrf")
        return self.city.sessions[token]

    def _units(self, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        if len(parts) == 3:
            (self.city.crews[parts[1]],) = body["crew"]
        items = [{"id": one, "on_duty": one in self.city.crews} for one in self.city.pack.units]
        return 200, {"items": items}

    def _mine(self, who: str) -> list[dict[str, Any]]:
        city = self.city
        person = next(one.id for one in city.pack.people.values() if one.username == who)
        return [
            {"incident": city.row(matter), "order": order["order"], "state": order["state"]}
            for matter in city.matters.values()
            for order in matter["orders"]
            if order["state"] not in ENDED and city.crews.get(order["unit"]) == person
        ]

    def _matter(self, matter: str) -> dict[str, Any]:
        if matter not in self.city.matters:
            raise Refusal(404, "matter.unknown")
        return self.city.matters[matter]

    def _read(self, parts: list[str]) -> tuple[int, Any]:
        city = self.city
        if len(parts) == 1:
            gone = ("closed", "called_back", "archived", "merged")
            rows = [city.row(one) for one in city.matters.values() if one["stage"] not in gone]
            return 200, {"items": rows, "next": None}
        matter = self._matter(parts[1])
        what = parts[2] if len(parts) > 2 else ""
        if what == "entries":
            after = int(parse_qs(urlsplit(self.path).query)["after"][0])
            return 200, {"entries": [one for one in matter["entries"] if one["number"] > after]}
        if what == "recommendations":
            return 200, {"candidates": [{"unit": unit} for unit in city.nearest(matter)[:5]]}
        if what == "duplicates":
            return 200, {"items": self._duplicates(matter)}
        return 200, {"row": city.row(matter)}

    def _duplicates(self, matter: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for one in self.city.matters.values():
            near = hypot(
                one["place"]["lon"] - matter["place"]["lon"],
                one["place"]["lat"] - matter["place"]["lat"],
            )
            if one is not matter and near < 0.002 and one["stage"] in ("received", "waiting"):
                item = {"incident": self.city.row(one), "distance_m": near * 1e5, "age_s": 60.0}
                found.append(item)
        return found

    def _command(self, parts: list[str], path: str, body: dict[str, Any]) -> tuple[int, Any]:
        city, key = self.city, self.headers["Idempotency-Key"]
        told = json.dumps([path, body], sort_keys=True)
        if key in city.answers:
            known, answer = city.answers[key]
            if known != told:
                raise Refusal(409, "command.reused")
            return 200, answer
        if code := city.trouble.refuse.pop(parts[-1], None):
            raise Refusal(409, code)
        if len(parts) == 1:
            if body["id"] in city.matters:
                raise Refusal(409, "matter.exists")
            fresh = {"stage": "received", "orders": [], "entries": [], "written": 0}
            matter = city.matters[body["id"]] = body | fresh | {"merged_into": None}
            kind = "incident.reported"
        else:
            matter = self._matter(parts[1])
            kind = self._change(matter, parts[2:], body)
        entry = city.append(matter, kind, key)
        promised = [{"matter": matter["id"], "number": entry["number"], "kind": kind}]
        if kind == "incident.merge":
            absorbed = city.append(self._matter(body["into"]), "incident.absorbed", key)
            promised.append({**absorbed, "matter": body["into"]})
        answer = {
            "command": key,
            "matter": matter["id"],
            "entries": promised,
            "recorded_at": city.now(),
        }
        city.answers[key] = (told, answer)
        if city.trouble.lose(path):
            matter["entries"].remove(entry)
        if city.trouble.double(path):
            city.append(matter, kind, key)
        return 200, answer

    def _change(self, matter: dict[str, Any], parts: list[str], body: dict[str, Any]) -> str:
        if parts[0] == "orders":
            return self._step(matter, parts[1], parts[2], body)
        word = parts[0]
        stages = {
            "complete": ("received", "waiting"),
            "merge": ("waiting", "merged"),
            "return_feedback": ("reported", "waiting"),
            "close": ("reported", "closed"),
            "call_back": ("closed", "called_back"),
            "archive": ("called_back", "archived"),
        }
        if word == "dispatch":
            busy = {one["unit"] for one in body["orders"]} & self.city.bound()
            if busy:
                raise Refusal(409, "unit.unavailable")
            for one in body["orders"]:
                self.city.give(matter, one["order"], one["unit"])
        elif word == "feed_back":
            if matter["stage"] != "waiting":
                raise Refusal(409, "state.wrong")
            matter["stage"] = "reported" if body["final"] else "waiting"
        else:
            before, after = stages[word]
            if matter["stage"] != before:
                raise Refusal(409, "state.wrong")
            active = any(one["state"] not in ENDED for one in matter["orders"])
            if word == "close" and active:
                raise Refusal(409, "orders.active")
            matter["stage"] = after
            matter["merged_into"] = body.get("into")
            self.city.ratings += [body["rating"]] if "rating" in body else []
        return f"incident.{word}"

    def _step(self, matter: dict[str, Any], order: str, step: str, body: dict[str, Any]) -> str:
        found = next(one for one in matter["orders"] if one["order"] == order)
        if found["state"] in ENDED:
            raise Refusal(409, "order.state")
        found["state"] = STEP_STATE[step]
        if step == "return":
            assert body["reason"]
            self.city._offer(matter)
        return f"order.{step}"


class Server:
    """Runs a FakeCity on a free port of this machine."""

    def __init__(self, city: FakeCity) -> None:
        handler = type("CityHandler", (Handler,), {"city": city})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
