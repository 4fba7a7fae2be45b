"""placeholder"""

import click


@click.command()
def replay() -> None: ...
@click.command()
def simulate() -> None: ...
