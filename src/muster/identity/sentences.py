"""What people are told when identity refuses, in Chinese and English. {names} are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "session.required": (
        "请先登录。",
        "Sign in first.",
    ),
    "sign_in.failed": (
        "用户名或密码不对，或者账号已停用。",
        "The username or password is wrong, or the account is closed.",
    ),
    "sign_in.code_needed": (
        "密码正确。请输入验证器应用上的 6 位验证码，或一个恢复码。",
        "The password is right. Enter the six digits of your authenticator app or a recovery code.",
    ),
    "sign_in.code_wrong": (
        "验证码不对、已用过或已过期。请等下一个验证码，并核对手机时间。",
        "The code is wrong, used or too old. Wait for the next one; check the clock of your phone.",
    ),
    "sign_in.pending": (
        "等待验证码的时间已过，或输错次数过多，请重新输入密码。",
        "The wait for the code is over, or it was wrong too often. Enter your password again.",
    ),
    "sign_in.method": (
        "您的单位不允许用这种方式登录。",
        "Your organisation does not allow signing in this way.",
    ),
    "session.prove_again": (
        "这项操作需要再次确认是您本人。",
        "This needs you to prove once more who you are.",
    ),
    "session.first_steps": (
        "请先修改密码或绑定验证器，之后才能继续。",
        "First change your password or enrol a second factor; then everything else opens.",
    ),
    "session.unknown": (
        "没有这个会话，或它已经结束。",
        "There is no such session, or it has ended.",
    ),
    "factor.not_begun": (
        "绑定尚未开始或已超过 15 分钟，请重新开始。",
        "Enrolment was not begun, or more than 15 minutes ago. Begin again.",
    ),
    "factor.code_wrong": (
        "验证码不对。请核对手机时间，再输入当前的验证码。",
        "The code is wrong. Check the clock of your phone and enter the present code.",
    ),
    "factor.none": (
        "还没有绑定验证器。",
        "There is no second factor.",
    ),
    "reset.unknown": (
        "没有这项待确认的重设，或它已过期、已处理，或不归您管理。",
        "No such reset waits: it ran out, was decided, or is not yours to confirm.",
    ),
    "reset.asked": (
        "已有同样的申请，等待第二人确认。",
        "The same was asked for already and waits for a second person.",
    ),
    "reset.same_person": (
        "须由另一人确认，不能确认自己的申请。",
        "A second person must confirm; you asked for it yourself.",
    ),
    "policy.role": (
        "没有“{role}”这个角色。",
        "There is no role '{role}'.",
    ),
    "policy.method": (
        "登录方式只能是 password 或 oidc，至少一种。",
        "Ways of signing in are password and oidc; at least one is needed.",
    ),
    "policy.top_only": (
        "锁定次数和时长全市统一，只能由最上级单位规定。",
        "The lock is one rule for the whole city: only the topmost organisation sets it.",
    ),
    "policy.no_method": (
        "这样就没有人能登录了：请至少留下一种登录方式。",
        "Nobody could sign in any more: leave at least one way that is allowed above, too.",
    ),
    "hand_over.same_person": (
        "交接班须由另一人接班。",
        "The next person must be somebody else.",
    ),
    "session.expired": (
        "会话已结束，请重新登录。",
        "The session has ended. Sign in again.",
    ),
    "session.csrf": (
        "请求没有带上本会话的校验码，请刷新页面再试。",
        "The request did not carry this session's check code. Reload the page and try again.",
    ),
    "rate.limited": (
        "尝试次数过多，请 {retry_s} 秒后再试。",
        "Too many attempts. Try again in {retry_s} seconds.",
    ),
    "authority.denied": (
        "您的角色无权进行此操作（{operation}）。",
        "Your roles do not allow this ({operation}).",
    ),
    "matter.unknown": (
        "没有这件事，或者它不在您的可见范围内。",
        "There is no such matter, or it is not one you may see.",
    ),
    "organisation.unknown": (
        "没有这个单位：{organisation}。",
        "There is no organisation {organisation}.",
    ),
    "person.unknown": (
        "没有这个人员，或者不归您管理。",
        "There is no such person, or not one you manage.",
    ),
    "person.exists": (
        "人员编号 {person} 已存在。",
        "A person with the id {person} exists already.",
    ),
    "person.invalid": (
        "姓名不能为空；编号只能用字母、数字、- 和 _。",
        "A name is needed, and an id has only letters, digits, - and _.",
    ),
    "person.self": (
        "不能这样更改自己的账号，请由另一位管理员操作。",
        "You cannot change your own account this way. Another administrator can.",
    ),
    "username.invalid": (
        "用户名为 1 至 64 个字符，可用文字、数字、. @ - 和 _。",
        "A username has 1 to 64 letters, digits, or . @ - _.",
    ),
    "username.taken": (
        "该用户名已被使用。",
        "This username is taken.",
    ),
    "password.short": (
        "密码至少 {least} 个字符。",
        "A password has at least {least} characters.",
    ),
    "password.long": (
        "密码最多 {most} 个字符。",
        "A password has at most {most} characters.",
    ),
    "password.username": (
        "密码不能与用户名相同。",
        "The password must differ from the username.",
    ),
    "password.common": (
        "这个密码太常见：人们最先试的就是它。换几个不相干的词。",
        "This password is among those tried first. Take a few words that do not belong together.",
    ),
    "password.same": (
        "请换一个新密码：这个密码别人见过。",
        "Choose another password: somebody else has seen this one.",
    ),
    "grant.unknown": (
        "没有这条授权，或者不归您管理。",
        "There is no such grant, or not one you manage.",
    ),
    "grant.role": (
        "不能授予此角色：{role}。",
        "The role {role} cannot be granted.",
    ),
    "grant.self": (
        "不能更改自己的授权，请由另一位管理员操作。",
        "You cannot change your own grants. Another administrator can.",
    ),
    "grant.until": (
        "授权的截止时间必须在将来。",
        "A grant must end in the future.",
    ),
    "grant.combined": (
        "管理员不能同时担任值班长或督察：开账号的人不评判账号所做的事。",
        "An administrator is not also duty chief or auditor: who makes accounts does not judge what"
        " is done with them.",
    ),
    "trust.unknown": (
        "没有这项待确认的申请，或它已过期、已处理，或不归您管理。",
        "No such request waits: it ran out, was decided, or is not yours to confirm.",
    ),
    "trust.asked": (
        "同样的申请已在等待第二人确认。",
        "The same request waits for a second person already.",
    ),
    "trust.same_person": (
        "须由另一人确认：这是您自己申请的。",
        "Somebody else confirms it: you asked for it yourself.",
    ),
    "trust.alone": (
        "您的职权是一个人单独授予的，还不能作第二人。"
        "请由能操作服务器的人用 ./muster admin trust 确认。",
        "One person alone gave you your role, so you are nobody's second person yet. Whoever may"
        " use the server confirms it: ./muster admin trust.",
    ),
    "trust.pair": (
        "您与申请人中，一人曾把一次性密码交给另一人，不能互为第二人。请由其他人确认。",
        "One of you and the person who asked has handed the other a password: you are not each"
        " other's second person. Somebody else confirms it.",
    ),
    "trust.gone": (
        "申请人已不再管理此事，申请不再有效。",
        "Whoever asked for it is not in charge of it any more.",
    ),
    "change.unknown": (
        "没有这条登录变动，或者已经看过。",
        "There is no such change of your sign-in, or you have read it.",
    ),
    "first.invalid": (
        "此链接无效、已用过或已过期。请在服务器上重新生成。",
        "This link is not valid, was used, or has expired. Make a new one on the server.",
    ),
    "oidc.unknown": (
        "没有这个统一认证入口。",
        "There is no such sign-in provider.",
    ),
    "oidc.visit": (
        "这次统一认证登录已过期、已用过，或不是从本浏览器开始的。请从登录页重新开始。",
        "This sign-in has expired, was used, or was not begun in this browser. Begin again at the"
        " sign-in page.",
    ),
    "oidc.refused": (
        "统一认证没有让您登录。",
        "The provider did not sign you in.",
    ),
    "oidc.unreachable": (
        "统一认证现在没有回应。请稍后再试，或用密码登录。",
        "The provider does not answer now. Try again later, or sign in with your password.",
    ),
    "oidc.answer": (
        "统一认证的回应无法采用（{fault}）。请联系管理员。",
        "The provider's answer cannot be used ({fault}). Tell your administrator.",
    ),
    "oidc.token": (
        "统一认证给出的凭证不可信（{fault}），未登录。请联系管理员。",
        "What the provider vouches for cannot be trusted ({fault}); nobody was signed in. Tell your"
        " administrator.",
    ),
    "oidc.unbound": (
        "统一认证中的您（{subject}）还没有绑定到任何账号。请用密码登录后绑定，或请管理员绑定。",
        "Your identity at the provider ({subject}) is not bound to an account. Sign in with your"
        " password and bind it, or ask an administrator.",
    ),
    "oidc.not_bound": (
        "没有这项绑定。",
        "There is no such binding.",
    ),
    "oidc.taken": (
        "这个统一认证身份已绑定到另一个账号。",
        "This identity is bound to another account already.",
    ),
    "host.unknown": (
        "这个网址不是本系统的。管理员可用 --public-name 登记。",
        "This address is not one of this system's. Its administrator can add it: --public-name.",
    ),
    "token.invalid": (
        "令牌无效、已到期、已撤销，或不能从此地址使用。",
        "The token is not valid, has ended, or may not be used from this address.",
    ),
    "token.scope": (
        "这个令牌不能做这件事（需要范围：{scope}）。",
        "This token does not open this door (scope needed: {scope}).",
    ),
    "token.unknown": (
        "没有这个令牌，或者不归您管理。",
        "There is no such token, or not one you manage.",
    ),
    "token.until": (
        "令牌的截止时间须在将来，最长 {days} 天。",
        "A token must end in the future, within {days} days.",
    ),
    "token.network": (
        "不是网络地址或地址段：{network}。",
        "Not a network address or range: {network}.",
    ),
}
