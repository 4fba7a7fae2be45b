"""The page that helps phones and desks trust a local certificate authority, and the small HTTP
port beside HTTPS, which shows that page and sends everything else to HTTPS."""

from __future__ import annotations

import plistlib
import ssl
import uuid
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import segno
from litestar import Response, get

from muster.api.install_words import DEVICES, STYLE, WORDS
from muster.api.serving import Listening

PAGE = "/install"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
HTTP_PORT, HTTPS_PORT = 80, 443


@dataclass(frozen=True)
class File:
    """What is answered at one path."""

    media: str
    body: bytes
    name: str = ""

    @property
    def headers(self) -> dict[str, str]:
        found = {"Cache-Control": "no-store"}
        if self.name:
            found["Content-Disposition"] = f'attachment; filename="{self.name}"'
        return found


def files(listening: Listening) -> dict[str, File]:
    """The page and the certificate in every form devices ask for, by path. None without a local
    authority: then devices trust the certificate already."""
    if listening.tls is None or listening.tls.root is None:
        return {}
    pem = Path(listening.tls.root).read_text()
    der = ssl.PEM_cert_to_DER_cert(pem)
    page = _page(listening, sha256(der).hexdigest())
    return {
        PAGE: File("text/html; charset=utf-8", page.encode()),
        f"{PAGE}/muster-ca.cer": File("application/x-x509-ca-cert", der, "muster-ca.cer"),
        f"{PAGE}/muster-ca.pem": File("application/x-pem-file", pem.encode(), "muster-ca.pem"),
        f"{PAGE}/muster-ca.mobileconfig": File(
            "application/x-apple-aspen-config", _profile(der), "muster-ca.mobileconfig"
        ),
    }


def _profile(der: bytes) -> bytes:
    """Apple's configuration profile with one root certificate."""
    digest = sha256(der).hexdigest()
    inner, outer = (str(uuid.uuid5(uuid.NAMESPACE_OID, f"{digest}|{one}")) for one in "io")
    content = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"muster.ca.{digest[:16]}",
        "PayloadUUID": inner,
        "PayloadDisplayName": "Muster 集结",
        "PayloadCertificateFileName": "muster-ca.cer",
        "PayloadContent": der,
    }
    whole = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"muster.{digest[:16]}",
        "PayloadUUID": outer,
        "PayloadDisplayName": "Muster 集结",
        "PayloadDescription": "信任本单位的集结服务器 / Trust this organisation's Muster server",
        "PayloadContent": [content],
    }
    return plistlib.dumps(whole)


def url(scheme: str, name: str, port: int, path: str = "") -> str:
    """An address to open; the usual port is left out."""
    usual = {"http": HTTP_PORT, "https": HTTPS_PORT}[scheme]
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}{'' if port == usual else f':{port}'}{path}"


def _page(listening: Listening, digest: str) -> str:
    name, port = listening.address
    here = url("http", name, listening.install, PAGE)
    picture = b64encode(_picture(here)).decode()
    shown = ":".join(digest[i : i + 2] for i in range(0, 64, 2)).upper()
    broken = shown.replace(":", ":<wbr>")
    values = {"page": here, "muster": url("https", name, port, "/"), "fingerprint": shown}
    parts = []
    for language in ("zh", "en"):
        words = {key: text.format(**values) for key, text in WORDS[language].items()}
        devices = "".join(
            f"<details><summary>{escape(one.name[language])}</summary><ol>"
            + "".join(f"<li>{step}</li>" for step in one.steps[language])
            + f'</ol><p><a href="{PAGE}/{one.file}" download>{words["download"]}'
            f"{one.file}</a></p></details>"
            for one in DEVICES
        )
        parts.append(
            f'<section lang="{"zh-CN" if language == "zh" else "en"}"><h1>{words["title"]}</h1>'
            f'<p>{words["why"]}</p><p>{words["compare"]}</p><p class="print">{broken}</p>'
            f'{devices}<p>{words["then"]} <a href="{escape(values["muster"])}">'
            f'{escape(values["muster"])}</a></p><p class="quiet">{words["limits"]}</p></section>'
        )
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Muster 集结</title><style>{STYLE}</style></head><body><main>"
        f'<figure><img alt="{escape(here)}" src="data:image/svg+xml;base64,{picture}">'
        f"<figcaption>{escape(here)}</figcaption></figure>{''.join(parts)}</main></body></html>"
    )


def _picture(address: str) -> bytes:
    drawn = segno.make(address, micro=False, error="m").svg_inline(
        scale=6, border=2, dark="#000", light="#fff"
    )
    return str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).encode()


def routes(listening: Listening) -> list[Any]:
    """The page on the main port, for a desk whose screen shows the code to phones."""
    return [_route(path, file) for path, file in files(listening).items()]


def _route(path: str, file: File) -> Any:
    @get(path, include_in_schema=False, sync_to_thread=False)
    def install_file() -> Response[bytes]:
        return Response(file.body, media_type=file.media, headers=file.headers)

    return install_file


Message = dict[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def doorstep(listening: Listening) -> App:
    """The application of the small HTTP port: the page, and 308 to HTTPS for everything else.
    It leads only to names the certificate is for, whatever a request calls us."""
    found = files(listening)

    async def app(
        scope: Message,
        _receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        file = found.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if file is not None:
            headers = {"Content-Type": file.media, "Content-Security-Policy": POLICY}
            headers |= file.headers
            status, body = 200, file.body
        else:
            headers, status, body = {"Location": _elsewhere(listening, scope)}, 308, b""
        headers["Content-Length"] = str(len(body))
        headers |= {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
        listed = [(key.lower().encode(), text.encode()) for key, text in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})

    return app


def _elsewhere(listening: Listening, scope: Message) -> str:
    said = next((text for key, text in scope["headers"] if key == b"host"), b"").decode("latin-1")
    name = said.rpartition(":")[0] if said.rpartition(":")[2].isdigit() else said
    name = name.strip("[]").lower()
    main, port = listening.address
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    path = (scope.get("raw_path") or b"/") + query
    return url("https", name if name in listening.names else main, port, path.decode("latin-1"))
