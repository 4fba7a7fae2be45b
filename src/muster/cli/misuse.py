"""What a mistyped command line is told, in both languages; and lists of commands in full."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


def in_chinese(error: click.UsageError) -> str:
    """What is wrong, shortly; the exact words stand beside it in English."""
    match error:
        case click.NoSuchOption():
            return f"没有选项 {error.option_name}"
        case click.MissingParameter():
            return f"还缺 {_named(error)}"
        case click.BadOptionUsage():
            return f"选项 {error.option_name} 后面还缺一个值"
        case click.BadParameter():
            return f"{_named(error)} 的值不对"
    if "command" in error.format_message():
        return "没有这个命令"
    return "命令写得不对"


def _named(error: click.BadParameter) -> str:
    if error.param is None:
        return "参数"
    return error.param.opts[-1] if error.param.param_type_name == "option" else _metavar(error)


def _metavar(error: click.BadParameter) -> str:
    assert error.param is not None
    return error.param.human_readable_name


@contextmanager
def both_languages() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        told = error.format_message()
        if not any("\u4e00" <= sign <= "\u9fff" for sign in told):
            told = f"{in_chinese(error)} / {told}"
        raise click.UsageError(told, ctx=error.ctx) from error


class Commands(click.Group):
    """A group whose list shows each command's whole first line, and that explains misuse."""

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        with both_languages():
            return super().make_context(*words, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with both_languages():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, (command.help or "").strip().partition("\n")[0])
            for name, command in sorted(self.commands.items())
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
