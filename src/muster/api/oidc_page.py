"""The page for who comes back from a provider and cannot be let in. Plain, in both languages."""

from __future__ import annotations

from html import escape
from typing import Final

from muster.api.problems import Problem

_PAGE: Final = """<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>集结 Muster</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.6 system-ui, sans-serif; }}
main {{ max-width: 34rem; margin: 18vh auto 0; padding: 0 1.25rem; }}
h1 {{ font-size: 1.15rem; }}
p {{ margin: 0.4rem 0; }}
code {{ opacity: 0.65; font-size: 0.85rem; }}
a {{ color: inherit; }}
</style>
<main>
<h1>未能登录 <span lang="en">· Not signed in</span></h1>
<p>{zh}</p>
<p lang="en">{en}</p>
<p><code>{code}</code></p>
<p><a href="/">返回登录页 <span lang="en">· Back to signing in</span></a></p>
</main>
</html>
"""


def page_of(found: Problem) -> str:
    return _PAGE.format(
        zh=escape(found.detail_zh), en=escape(found.detail_en), code=escape(found.code)
    )
