"""What lies in deploy/ fits the program: every metric, option, path and directive it names."""

from __future__ import annotations

import re

import click

from muster.cli.up import up

from . import sources

DEPLOY = sources.ROOT / "deploy"
OPTIONS = {name for option in up.params for name in option.opts}


def named(text: str) -> set[str]:
    """Metrics named in a rule, without what a histogram or counter adds."""
    return {
        re.sub(r"_(bucket|count|sum|total)$", "", name)
        for name in re.findall(r"\bmuster_[a-z_]+", text)
    }


def made() -> set[str]:
    found = set()
    for file in ("counters.py", "metrics.py"):
        text = sources.text(sources.MUSTER / "api" / file)
        found |= set(re.findall(r'"(muster_[a-z_]+)"', text))
    return found


def test_every_metric_of_a_rule_exists() -> None:
    rules = [line for line in sources.text(DEPLOY / "alerts.yml").splitlines() if "expr:" in line]
    assert len(rules) >= 10
    for rule in rules:
        assert named(rule) or "up{" in rule, rule
        unknown = named(rule) - made()
        assert not unknown, f"no such metric: {sorted(unknown)} in {rule.strip()}"


def test_a_metric_that_does_not_exist_is_seen() -> None:
    assert named("expr: rate(muster_nothing_total[5m]) > 0") - made() == {"muster_nothing"}


def test_every_rule_says_what_it_means_in_both_languages() -> None:
    text = sources.text(DEPLOY / "alerts.yml")
    words = re.findall(r'summary: "([^"]+)"', text)
    assert len(words) == text.count("- alert:")
    for one in words:
        zh, _, en = one.partition(" / ")
        assert re.search(r"[一-鿿]", zh) and re.search(r"[a-z]{3}", en), one


def lines(name: str) -> list[str]:
    """The lines of a file that say something, those that go on on the next one joined."""
    text = re.sub(r"\\\n\s*", " ", sources.text(DEPLOY / name))
    return [one.strip() for one in text.splitlines() if one.strip() and one.strip()[0] != "#"]


def settings(name: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in lines(name) if re.match(r"[A-Z]\w+=", one))


def unknown_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - OPTIONS


def test_every_option_a_file_uses_exists() -> None:
    shown = settings("muster.service")["ExecStart"]
    assert not unknown_options(shown)
    image = [one for one in lines("Containerfile") if one.startswith(("ENTRYPOINT", "CMD"))]
    assert len(image) == 2 and not unknown_options(" ".join(image))
    for name in ("nginx.conf", "Caddyfile", "muster.service", "Containerfile"):
        runs = re.findall(r"muster up (.*)|^# +muster (--.*)", sources.text(DEPLOY / name), re.M)
        assert runs and not unknown_options(" ".join(one or two for one, two in runs)), name


def test_an_option_that_does_not_exist_is_seen() -> None:
    assert unknown_options("muster up --data x --speedy") == {"--speedy"}
    assert isinstance(up, click.Command) and "--tls-local" in OPTIONS


def test_the_service_is_hardened_and_ends_in_order() -> None:
    found = settings("muster.service")
    for name in (
        "NoNewPrivileges",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectHome",
        "ProtectKernelTunables",
        "RestrictNamespaces",
        "RestrictSUIDSGID",
        "LockPersonality",
    ):
        assert found[name] == "yes", name
    assert found["ProtectSystem"] == "strict" and found["ReadWritePaths"] == "/var/lib/muster"
    families = "AF_UNIX AF_INET AF_INET6 AF_NETLINK"
    assert found["RestrictAddressFamilies"] == families
    assert found["User"] == "muster" and found["UMask"] == "0077"
    # What cli/up.py answers to: sd_notify, SIGTERM to the supervisor alone, SIGUSR2 to replace.
    assert found["Type"] == "notify" and found["KillMode"] == "mixed"
    assert found["ExecReload"] == "/bin/kill -USR2 $MAINPID"
    where = found["ReadWritePaths"]
    assert f"--data {where}/" in found["ExecStart"]


def test_the_image_runs_as_somebody_and_stops_in_order() -> None:
    found = [one.split(" ", 1) for one in lines("Containerfile") if re.match(r"[A-Z]+ ", one)]
    by = dict(found)
    order = [word for word, _ in found]
    assert by["USER"] == "muster" and order.index("USER") < order.index("ENTRYPOINT")
    assert by["STOPSIGNAL"] == "SIGTERM"
    assert by["ENV"].startswith(f"MUSTER_DATA={by['VOLUME']}/")
    assert "./muster setup" in " ".join(rest for word, rest in found if word == "RUN")


def test_nginx_passes_on_what_muster_needs() -> None:
    text = "\n".join(lines("nginx.conf"))
    for directive in (
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $muster_connection;",
        "proxy_http_version 1.1;",
        "proxy_next_upstream off;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "return 308 https://$host$request_uri;",
    ):
        assert directive in text, directive
    assert "$proxy_add_x_forwarded_for" not in text, "a client's own word would be passed on"
    assert text.count("{") == text.count("}")
    # A directive ends with ; or opens a block.
    assert all(one[-1] in ";{}" for one in lines("nginx.conf"))
    largest = re.search(r"client_max_body_size (\d+)m;", text)
    assert largest is not None and int(largest.group(1)) << 20 >= most_bytes()
    wait = re.search(r"proxy_read_timeout (\d+)s;", text)
    assert wait is not None and int(wait.group(1)) >= 15


def most_bytes() -> int:
    """The largest request any door takes."""
    from muster.api import server, telemetry

    return max(server.BODY_LIMIT, telemetry.BODY_LIMIT)


def test_caddy_takes_as_much_and_hides_the_figures() -> None:
    text = "\n".join(lines("Caddyfile"))
    size = re.search(r"max_size (\d+)MB", text)
    assert size is not None and int(size.group(1)) * 10**6 >= most_bytes()
    assert "respond /metrics 404" in text and "reverse_proxy 127.0.0.1:8000" in text


def test_every_file_is_explained_in_both_languages() -> None:
    for manual in ("operating.md", "operating.zh-CN.md"):
        text = sources.text(sources.ROOT / "docs" / manual)
        for path in DEPLOY.iterdir():
            if not path.name.endswith("ignore"):
                assert f"../deploy/{path.name}" in text, f"{manual} does not link {path.name}"


def test_both_manuals_show_the_same_commands_and_options() -> None:
    pair = [sources.text(sources.ROOT / "docs" / n) for n in ("operating.md", "operating.zh-CN.md")]
    blocks = [re.findall(r"```sh\n(.*?)```", one, re.DOTALL) for one in pair]
    assert blocks[0] == blocks[1]
    for one in pair:
        runs = re.findall(r"muster up( --?[^\n`]*)?", one)
        assert not unknown_options(" ".join(runs))
