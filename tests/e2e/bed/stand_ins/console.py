"""Console: the part of dify-api that an installation speaks to, with its rules; its state is in PostgreSQL."""

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.bed.stand_ins.database import Database
from tests.e2e.bed.stand_ins.service import Reply, Request

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PASSWORD = re.compile(r"(?=.*[a-zA-Z])(?=.*\d).{8,}")
NAME_LENGTH = 30
SUCCESS = {"result": "success"}
INSTALLED = "Dify has been successfully installed. Please refresh the page or return to the dashboard homepage."


@dataclass(frozen=True)
class Console:
    """Answers what the console's pages ask of api. A session is a cookie that only who has SECRET_KEY can make."""

    database: Database

    def answer(self, request: Request) -> Reply:
        """Every answer tells the version."""
        routes = {
            "GET /health": self._health,
            "GET /console/api/ping": lambda _: Reply({"result": "pong"}),
            "GET /console/api/system-features": lambda _: Reply({"sso_enforced_for_signin": False}),
            "GET /console/api/setup": self._setup_status,
            "POST /console/api/setup": self._set_up,
            "GET /console/api/init": self._init_status,
            "POST /console/api/init": self._init,
            "POST /console/api/login": self._log_in,
            "GET /console/api/account/profile": self._profile,
        }
        found = routes.get(request.route)
        reply = found(request) if found else _error(404, "not_found", request.route)
        output = {"X-Version": _version(), "X-Env": os.environ.get("DEPLOY_ENV", "PRODUCTION")}
        return Reply(reply.content, reply.status, {**reply.headers, **output}, reply.cookies)

    def _health(self, _: Request) -> Reply:
        # Asks neither PostgreSQL nor Redis: Dify's own does not.
        return Reply({"pid": os.getpid(), "status": "ok", "version": _version()})

    def _set_up_at(self) -> str | None:
        """An error, as long as there are no tables."""
        return next(iter(self.database.ask("SELECT setup_at FROM dify_setups")), None)

    def _setup_status(self, _: Request) -> Reply:
        at = self._set_up_at()
        return Reply({"step": "finished" if at else "not_started", "setup_at": at})

    def _may_set_up(self, request: Request) -> bool:
        password = os.environ.get("INIT_PASSWORD")
        return not password or request.cookies.get("session") == _sealed("init")

    def _init_status(self, request: Request) -> Reply:
        return Reply({"status": "finished" if self._may_set_up(request) or self._set_up_at() else "not_started"})

    def _init(self, request: Request) -> Reply:
        if self._set_up_at():
            return _error(403, "already_setup", INSTALLED)
        if request.body.get("password") != os.environ.get("INIT_PASSWORD"):
            return _error(401, "init_validate_failed", "Init validation failed. Check the password and try again.")
        return Reply(SUCCESS, 201, cookies={"session": _sealed("init")})

    def _set_up(self, request: Request) -> Reply:
        if self._set_up_at():
            return _error(403, "already_setup", INSTALLED)
        if not self._may_set_up(request):
            return _error(401, "not_init_validated", "Init validation has not been completed yet.")
        email, name, password = (str(request.body.get(key, "")) for key in ("email", "name", "password"))
        if not EMAIL.fullmatch(email):
            return _error(400, "invalid_param", f"{email} is not a valid email.")
        if not 0 < len(name) <= NAME_LENGTH:
            return _error(400, "invalid_param", f"name is 1 to {NAME_LENGTH} characters long.")
        if not PASSWORD.fullmatch(password):
            return _error(400, "invalid_param", "Password must contain letters and numbers, and be 8 or more long.")
        (tenant,) = self.database.ask("SELECT gen_random_uuid()")
        _keep_private_key(tenant)
        self.database.ask(
            "BEGIN; INSERT INTO dify_setups VALUES (:'version'); INSERT INTO tenants VALUES (:'tenant', :'name');"
            "INSERT INTO accounts VALUES (:'email', :'name', :'password'); COMMIT;",
            version=_version(),
            tenant=tenant,
            name=name,
            email=email,
            password=hashed(password),
        )
        return Reply(SUCCESS, 201)

    def _log_in(self, request: Request) -> Reply:
        email = str(request.body.get("email", ""))
        try:
            password = base64.b64decode(str(request.body.get("password", "")), validate=True).decode()
        except ValueError:
            password = ""
        if self.database.ask("SELECT password FROM accounts WHERE email = :'email'", email=email) != [hashed(password)]:
            return _error(401, "authentication_failed", "Invalid email or password.")
        tokens = {"access_token": f"{email}/{_sealed(email)}", "csrf_token": _sealed(f"csrf of {email}")}
        return Reply(SUCCESS, cookies={_cookie(name): value for name, value in tokens.items()})

    def _profile(self, request: Request) -> Reply:
        email, _, seal = request.cookies.get(_cookie("access_token"), "").rpartition("/")
        found = self.database.ask("SELECT name FROM accounts WHERE email = :'email'", email=email)
        if seal != _sealed(email) or not found:
            return _error(401, "unauthorized", "Invalid token.")
        return Reply({"email": email, "name": found[0]})


def _error(status: int, code: str, message: str) -> Reply:
    text: dict[str, Any] = {"code": code, "message": message, "status": status}
    return Reply(text, status)


def _version() -> str:
    return os.environ["IMAGE"].rpartition(":")[2]


def _cookie(name: str) -> str:
    """Browsers keep the first kind for https only; Dify looks at these two to choose."""
    urls = (os.environ.get("CONSOLE_WEB_URL", ""), os.environ.get("CONSOLE_API_URL", ""))
    return f"__Host-{name}" if all(url.startswith("https://") for url in urls) else name


def _sealed(text: str) -> str:
    return hmac.new(os.environ["SECRET_KEY"].encode(), text.encode(), hashlib.sha256).hexdigest()


def hashed(password: str) -> str:
    """As it is in the database."""
    return hashlib.sha256(f"salted {password}".encode()).hexdigest()


def _keep_private_key(tenant: str) -> None:
    """Each workspace has a key, in the storage of the uploads. That of the bed has no S3."""
    if os.environ.get("OPENDAL_SCHEME") == "fs":
        path = Path(os.environ.get("OPENDAL_FS_ROOT", "storage")) / "privkeys" / tenant / "private.pem"
        path.parent.mkdir(parents=True)
        path.write_text("a private key\n")
