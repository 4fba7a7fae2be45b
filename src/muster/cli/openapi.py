"""`openapi`: the HTTP interface as a document."""

import json
from typing import Any, cast

import click


@click.command(
    epilog="""\b
例 / example:
  ./muster openapi > web/openapi.json
"""
)
def openapi() -> None:
    """打印 OpenAPI 接口文档 / print the OpenAPI document"""
    from muster.api import openapi as documents
    from muster.api.server import litestar_app

    # The document needs the routes only; nothing of the platform is touched.
    nothing: Any = None
    app = litestar_app(
        cast(Any, nothing), web=None, more_routes=(), start=lambda: None, stop=lambda: None
    )
    click.echo(json.dumps(documents.build(app), ensure_ascii=False, indent=1, sort_keys=True))
