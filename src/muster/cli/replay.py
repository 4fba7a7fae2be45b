"""`replay`: a recorded day through the doors. `simulate`: invented calls into a running Muster."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from muster.cli import marks, project
from muster.cli.demo import FOLDER, PORT
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from muster.simulate.people import Accounts
    from muster.simulate.replay import ReplayOptions
    from muster.simulate.report import ReplayReport
    from muster.supervise.supervisor import Supervisor

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SAY_EVERY = 25  # calls between two lines of progress
Speed = Literal["max"] | float


class SpeedType(click.ParamType[Speed]):
    """`max`, or how many times faster than the real day."""

    name = "max|N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Speed:
        if value == "max":
            return "max"
        try:
            number = float(str(value))
        except ValueError:
            number = 0.0
        if not 0.1 <= number <= 3600:
            self.fail(
                "max，或 0.1 到 3600 之间的数 / max, or a number from 0.1 to 3600", param, ctx
            )
        return number


@dataclass(frozen=True)
class Asked:
    """What a person asked of `replay`."""

    file: Path
    map: Path
    draft: bool
    city: Path | None
    day: date | None
    speed: Speed
    seed: str
    data: Path | None
    port: int


@click.command(
    epilog="""\b
例 / examples:
  ./muster replay CALLS.csv.gz --map cities/import/london_fire.toml --draft --day 2017-02-23
  ./muster replay … --speed 60       在态势图上观看 / to be watched on the board
  ./muster replay … --speed max --json
"""
)
@click.argument("file", type=FILE)
@click.option("--map", type=FILE, required=True, help="列映射 / which column means what (TOML)")
@click.option("--draft", is_flag=True, help="由文件生成城市包 / make a city pack from the file")
@click.option("--city", type=FOLDER, help="或使用已有城市包 / or use this city pack")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="只放这一天 / only this day")
@click.option(
    "--speed", type=SpeedType(), default="max", show_default=True, help="max 或倍数 / or times"
)
@click.option("--seed", default="1", show_default=True, help="模拟民警的种子 / the officers' seed")
@click.option("--data", type=FOLDER, help="空的数据文件夹（默认 .muster/replay）/ an empty one")
@click.option("--port", type=PORT, default=0, help="端口（默认任一空闲）/ port (default: any free)")
@click.option("--json", "as_json", is_flag=True, help="结果为一行 JSON / the result as JSON")
def replay(day: datetime | None, *, as_json: bool, **words: object) -> None:
    """用真实记录重演 / play recorded calls through a fresh instance

    在独立的数据文件夹里启动一个新系统，把记录的警情经与真实终端相同的接口逐条送入；签收、到场、办结由
    模拟民警完成。打印警情数、合并、派警、办结、丢失（必须为 0）和各段用时。

    Starts a fresh instance with a data folder of its own and sends recorded calls through the
    doors real clients use; simulated officers sign, drive and report. Prints the figures; lost
    must be 0.
    """
    asked = Asked(day=day.date() if day else None, **words)  # type: ignore[arg-type]
    report = _played(asked)
    click.echo(report.json() if as_json else report.table())
    if report.interrupted:
        raise SystemExit(130)
    if report.lost or report.doubled:
        raise SystemExit(1)


def _played(asked: Asked) -> "ReplayReport":
    """Supervise an instance while another thread plays. Raises Trouble."""
    from muster.geography.faults import PackInvalid
    from muster.simulate import replay as playing
    from muster.simulate.doors import DoorBroken, DoorRefused, DoorShut
    from muster.simulate.refusal import ReplayRefused
    from muster.supervise.supervisor import Stopped, Supervisor

    folder = (asked.data or project.root() / ".muster" / "replay").resolve()
    found: list[ReplayReport] = []
    failed: list[BaseException] = []
    with Supervisor(folder, project.say) as supervisor:
        _clear(folder, own=asked.data is None)
        starting = _Starting(supervisor, folder, asked.port)
        options = _options(asked, folder, starting)

        def play() -> None:
            try:
                found.append(playing.run(options))
            except BaseException as error:  # handed to the main thread, which raises it
                failed.append(error)

        thread = threading.Thread(target=play, name="replay")
        thread.start()
        # The supervisor belongs to one thread at a time: the player's until the server runs.
        while thread.is_alive() and not starting.started.wait(0.1):
            pass
        supervisor.watch_until(lambda: not thread.is_alive(), options.stop.set)
        thread.join()
        if not failed:
            return found[0]
        try:
            raise failed[0]
        except (ReplayRefused, PackInvalid, DoorShut, DoorBroken, DoorRefused) as error:
            zh = getattr(error, "zh", f"重演中断：{error}")
            raise Trouble(zh, getattr(error, "en", f"The replay broke off: {error}")) from error
        except Stopped:
            pass
    raise SystemExit(130)


def _clear(folder: Path, *, own: bool) -> None:
    """A replay starts with nothing: its own folder is emptied, one that was named must be empty."""
    if own:
        marks.clear_demo(folder)
    elif marks.read(folder) is not None or (folder / "pg").exists():
        raise Trouble(
            f"重演需要空的数据文件夹，而 {folder} 已有数据：请换一个。",
            f"A replay needs an empty data folder, and {folder} is in use: choose another.",
        )


def _options(asked: Asked, folder: Path, starting: "_Starting") -> "ReplayOptions":
    from muster.cli.city import reading
    from muster.simulate.replay import ReplayOptions

    told = [0]

    def progress(calls: int, now: datetime) -> None:
        if calls >= told[0] + SAY_EVERY:
            told[0] = calls
            project.say(f"警情 {calls}，模拟时间 {now:%H:%M} / {calls} calls, clock at {now:%H:%M}")

    return ReplayOptions(
        file=asked.file,
        map=asked.map,
        work=folder,
        start=starting,
        draft=asked.draft,
        city=asked.city,
        day=asked.day,
        speed=asked.speed,
        seed=asked.seed,
        progress=progress,
        reading=reading(),
    )


@dataclass(frozen=True)
class _Running:
    """What the player is told of the instance it asked for."""

    url: str
    accounts: "Accounts"

    def stop(self) -> None:
        """The supervisor stops it, after the player."""


class _Starting:
    """Starts the instance when the player asks for it, with the pack and the clock it wants."""

    def __init__(self, supervisor: "Supervisor", folder: Path, port: int) -> None:
        self.supervisor = supervisor
        self.folder = folder
        self.port = port
        self.started = threading.Event()

    def __call__(self, city: Path, first: datetime, speed: Speed) -> _Running:
        from muster.cli.instance import Plan, start
        from muster.simulate.people import Accounts

        plan = Plan(
            data=self.folder,
            city=city,
            host="127.0.0.1",
            port=self.port,
            clock="driven",
            clock_start=first,
            demo=True,
        )
        if speed != "max":
            plan = replace(plan, clock="scaled", speed=speed)
        running = start(self.supervisor, plan)
        password = running.prepared["simulator_password"]
        project.say(
            f"重演中，可在此观看 / replaying, to be watched at {running.url}\n"
            f"  账号 username: dispatcher   密码 password: {password}"
        )
        self.started.set()
        return _Running(running.url, Accounts(password=password))


@click.command(
    epilog="""\b
例 / example:
  ./muster simulate --url http://127.0.0.1:8000 --seed 7
"""
)
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="网址 / address")
@click.option("--city", type=FOLDER, help="城市包（默认 cities/zhoushan）/ city pack")
@click.option("--data", type=FOLDER, help="演示的数据文件夹 / the demo's data folder")
@click.option("--password", help="演示账号的密码 / the demo accounts' password")
@click.option("--seed", default="1", show_default=True, help="种子 / seed")
def simulate(
    url: str, city: Path | None, data: Path | None, password: str | None, seed: str
) -> None:
    """向运行中的演示系统播放模拟警情 / play invented calls into a running demo

    demo 已经带有一个；这里可以另开一个，或用别的种子。只用于模拟数据。Ctrl-C 停止。

    The demo runs one already; this is for another, or for another seed. Simulated data only.
    Ctrl-C stops it.
    """
    import signal

    from muster.simulate.live import LiveCity, Settings
    from muster.simulate.refusal import ReplayRefused

    _require_answer(url)
    kept = (data or project.demo_data()) / "demo_password"
    if password is None and not kept.exists():
        raise Trouble(
            "不知道演示账号的密码：请用 --data 指定演示的数据文件夹，或用 --password 给出。",
            "The demo accounts' password is not known: name the demo's data folder with --data, "
            "or give it with --password.",
        )
    stop = threading.Event()
    on_signal: Callable[..., None] = lambda *_: stop.set()  # noqa: E731
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    settings = Settings(
        url=url,
        city=str(project.city_folder(city or project.default_city())),
        password=password or kept.read_text().strip(),
        seed=seed,
    )
    try:
        LiveCity(settings, stop).run()
    except ReplayRefused as error:
        raise Trouble(error.zh, error.en) from error


def _require_answer(url: str) -> None:
    """Raises Trouble unless something answers there: waiting in silence tells nobody why."""
    import urllib3

    if not url.startswith(("http://", "https://")):
        raise Trouble(
            f"--url {url} 不是网址：应以 http:// 开头。",
            f"--url {url} is no address: it begins with http://.",
        )
    try:
        urllib3.PoolManager(retries=False, timeout=10.0).request(
            "GET", f"{url.rstrip('/')}/healthz"
        )
    except (urllib3.exceptions.HTTPError, urllib3.exceptions.LocationValueError) as error:
        raise Trouble(
            f"{url} 没有应答：请先用 ./muster demo 启动，或用 --url 给出它的网址。",
            f"{url} does not answer: start ./muster demo first, or give its address with --url.",
        ) from error
