"""What the page of the local certificate authority says, per language and kind of device."""

from __future__ import annotations

from dataclasses import dataclass

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "让这台设备信任集结",
        "why": "定位和离线使用要求加密连接（HTTPS）。本单位的服务器用自己的证书，所以每台设备要先"
        "安装并信任它一次。",
        "compare": "安装前核对指纹（SHA-256）。它必须与服务器终端上打印的、或管理员告诉你的完全"
        "一致；不一致就不要安装。",
        "download": "下载证书：",
        "then": "装好后打开",
        "limits": "这个证书只对本服务器的名字和地址有效：它的根密钥签发后即已销毁，谁也不能用它冒充"
        "别的网站。",
    },
    "en": {
        "title": "Let this device trust Muster",
        "why": "Positions and working offline need an encrypted connection (HTTPS). This server "
        "has a certificate of its own, so every device installs and trusts it once.",
        "compare": "Compare the fingerprint (SHA-256) first. It must be exactly what the server's "
        "terminal printed or your administrator told you; if it is not, do not install.",
        "download": "Download the certificate: ",
        "then": "Then open",
        "limits": "The certificate is good for this server's names and addresses only: the key of "
        "its root was destroyed as soon as it had signed, and nobody can pose as another site "
        "with it.",
    },
}


@dataclass(frozen=True)
class Device:
    """Steps per language; `file` is the form of the certificate it takes."""

    name: dict[str, str]
    file: str
    steps: dict[str, tuple[str, ...]]


CER, PEM, PROFILE = "muster-ca.cer", "muster-ca.pem", "muster-ca.mobileconfig"

DEVICES = (
    Device(
        {"zh": "安卓 Android", "en": "Android"},
        CER,
        {
            "zh": (
                "下载证书。",
                "设置 → 安全 → 更多安全设置 → 加密与凭据 → 安装证书 → <b>CA 证书</b>，"
                "选“仍然安装”，选中下载的文件。",
                "核对：设置 → 信任的凭据 → 用户，点开证书看 SHA-256 指纹。",
                "系统会提示“网络可能受到监控”，这是对任何自装证书的提示。",
            ),
            "en": (
                "Download the certificate.",
                "Settings → Security → More security settings → Encryption &amp; credentials → "
                "Install a certificate → <b>CA certificate</b>, “Install anyway”, choose the file.",
                "Compare: Settings → Trusted credentials → User; the certificate shows its "
                "SHA-256.",
                "Android says that the network may be monitored: it says so of every certificate "
                "installed by hand.",
            ),
        },
    ),
    Device(
        {"zh": "鸿蒙 HarmonyOS", "en": "HarmonyOS"},
        CER,
        {
            "zh": (
                "下载证书。",
                "设置 → 隐私和安全（或 安全）→ 高级（更多安全设置）→ 证书与凭据 → 从存储设备安装 → "
                "<b>CA 证书</b>，选中下载的文件。",
                "核对：证书与凭据 → 受信任的证书 → 用户，点开看 SHA-256 指纹。",
            ),
            "en": (
                "Download the certificate.",
                "Settings → Privacy &amp; security (or Security) → Advanced → Certificates &amp; "
                "credentials → Install from storage → <b>CA certificate</b>, choose the file.",
                "Compare: Certificates &amp; credentials → Trusted → User; it shows its SHA-256.",
            ),
        },
    ),
    Device(
        {"zh": "苹果 iPhone、iPad", "en": "iPhone, iPad"},
        PROFILE,
        {
            "zh": (
                "用 <b>Safari</b> 下载描述文件，选“允许”。",
                "设置 → 已下载描述文件 → 安装（显示“未签名”是正常的）。",
                "核对：设置 → 通用 → VPN 与设备管理 → Muster 集结 → 更多详细信息，"
                "看 SHA-256 指纹。",
                "设置 → 通用 → 关于本机 → 证书信任设置，打开 Muster 集结 的开关。",
            ),
            "en": (
                "Download the profile with <b>Safari</b>, choose “Allow”.",
                "Settings → Profile Downloaded → Install (“Not Signed” is as it should be).",
                "Compare: Settings → General → VPN &amp; Device Management → Muster 集结 → More "
                "Details; it shows its SHA-256.",
                "Settings → General → About → Certificate Trust Settings: switch Muster 集结 on.",
            ),
        },
    ),
    Device(
        {"zh": "Windows", "en": "Windows"},
        CER,
        {
            "zh": (
                "下载并双击证书 → 详细信息，可核对；“指纹”一栏是 SHA-1，SHA-256 用命令看："
                "<code>certutil -hashfile muster-ca.cer SHA256</code>",
                "安装证书 → 当前用户 → 将所有的证书都放入下列存储 → "
                "<b>受信任的根证书颁发机构</b>。",
                "重新打开浏览器。Firefox：设置 → 隐私与安全 → 证书 → 查看证书 → "
                "证书颁发机构 → 导入。",
            ),
            "en": (
                "Download it. Its SHA-256: <code>certutil -hashfile muster-ca.cer SHA256</code> "
                "(the “thumbprint” Windows shows is SHA-1).",
                "Double-click → Install Certificate → Current User → Place all certificates in the "
                "following store → <b>Trusted Root Certification Authorities</b>.",
                "Open the browser again. Firefox: Settings → Privacy &amp; Security → "
                "Certificates → View Certificates → Authorities → Import.",
            ),
        },
    ),
    Device(
        {"zh": "统信 UOS、麒麟、其他 Linux", "en": "Linux (UOS, Kylin, Debian, …)"},
        PEM,
        {
            "zh": (
                "核对：<code>openssl x509 -in muster-ca.pem -noout -fingerprint -sha256</code>",
                "Chromium 系浏览器：设置 → 隐私和安全 → 管理证书 → 授权中心 → 导入，"
                "勾选“信任此证书以标识网站”；或 <code>certutil -d sql:$HOME/.pki/nssdb -A "
                "-t C,, -n Muster -i muster-ca.pem</code>",
                "全机：复制为 <code>/usr/local/share/ca-certificates/muster-ca.crt</code> 后运行 "
                "<code>update-ca-certificates</code>。",
            ),
            "en": (
                "Compare: <code>openssl x509 -in muster-ca.pem -noout -fingerprint -sha256</code>",
                "Chromium and its kin: Settings → Privacy and security → Manage certificates → "
                "Authorities → Import, for websites; or <code>certutil -d sql:$HOME/.pki/nssdb -A "
                "-t C,, -n Muster -i muster-ca.pem</code>",
                "The whole machine: copy it to "
                "<code>/usr/local/share/ca-certificates/muster-ca.crt</code>, then run "
                "<code>update-ca-certificates</code>.",
            ),
        },
    ),
)

STYLE = """
:root{color-scheme:light dark;--ink:#1d2329;--quiet:#5b6670;--line:#d5dae0;--accent:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--quiet:#9aa5af;--line:#3a424b;--accent:#7db8f0}}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);font:15px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC",sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem;display:grid;gap:0 2.5rem}
h1{font-size:1.25rem;line-height:1.3;margin:1rem 0 .5rem}
figure{margin:0;text-align:center}
figure img{width:11rem;height:11rem;image-rendering:pixelated}
figcaption,.quiet{color:var(--quiet);font-size:.85rem;overflow-wrap:anywhere}
.print{font:600 1rem/1.7 ui-monospace,monospace;overflow-wrap:anywhere;
border:1px solid var(--line);border-width:1px 0;padding:.5rem 0}
details{border-bottom:1px solid var(--line)}
summary{padding:.6rem 0;cursor:pointer;font-weight:600}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
a{color:var(--accent)}
@media(min-width:50rem){main{grid-template-columns:1fr 1fr}figure{grid-column:1/-1}}
"""
