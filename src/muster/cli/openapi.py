"""`openapi`: the HTTP interface as a document."""

import json

import click


@click.command(
    epilog="""\b
例 / example:
  ./muster openapi > web/openapi.json
"""
)
def openapi() -> None:
    """打印 OpenAPI 接口文档 / print the OpenAPI document"""
    from muster.app import interface

    click.echo(json.dumps(interface(), ensure_ascii=False, indent=1, sort_keys=True))
