"""The list of commands. Nothing heavy is imported before a command runs."""

import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from muster.cli.admin import admin
from muster.cli.backup import backup
from muster.cli.bench import bench
from muster.cli.checks import check, test
from muster.cli.city import city
from muster.cli.db import db
from muster.cli.demo import demo
from muster.cli.gateway import gateway
from muster.cli.journal import journal
from muster.cli.misuse import Commands
from muster.cli.openapi import openapi
from muster.cli.replay import replay, simulate
from muster.cli.restore import restore
from muster.cli.retention import retention
from muster.cli.transparency import transparency
from muster.cli.up import restart, setup, up
from muster.supervise.trouble import Trouble, unwritable

EPILOG = """\b
例 / examples:
  ./muster demo                      一键演示 / the demo
  ./muster demo --speed 20           时间快二十倍 / time runs twenty times as fast
  ./muster up --host 0.0.0.0         正式安装，允许外部访问 / a real one, open to the network
  ./muster test -k journal           只跑名字含 journal 的测试 / only tests named after the journal
  ./muster COMMAND --help            每个命令自己的说明 / every command explains itself
"""


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="muster")
def muster() -> None:
    """Muster 集结 · 情报、指挥、行动一体化 · intelligence, command and action in one loop"""


for command in (
    demo,
    up,
    restart,
    setup,
    replay,
    simulate,
    gateway,
    city,
    test,
    check,
    bench,
    journal,
    backup,
    restore,
    db,
    admin,
    retention,
    transparency,
    openapi,
):
    muster.add_command(command)


def main() -> None:
    """The entry point: an expected obstacle is two sentences and exit code 1, no stack trace."""
    try:
        muster(prog_name="muster")
    except Trouble as trouble:
        _end(trouble)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        # What was printed goes nowhere any more, also not at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _end(unwritable(Path("stdout"), error))


def _end(trouble: Trouble) -> NoReturn:
    click.echo(f"\n{trouble}", err=True)
    sys.exit(1)
