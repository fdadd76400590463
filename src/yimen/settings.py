"""
Settings, read from the environment; a bad value stops the start with one sentence.

Every name that can be set is listed in docs/settings.md (a test compares).
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from yimen.lib import database_url

PACKAGE = Path(__file__).resolve().parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_int(name: str, default: int, *, least: int = 0) -> int:
    text = env(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {text!r}.")
    return value


def env_bool(name: str, default: bool) -> bool:
    text = env(name, "1" if default else "0").lower()
    if text not in {"0", "1", "true", "false", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {text!r}.")
    return text in {"1", "true", "yes"}


# Everything this installation writes besides the database: keys, uploads, the embedded server's data.
HOME = Path(env("YIMEN_HOME", str(Path.cwd() / ".yimen"))).resolve()

# Files handed in by applicants and staff, each under its own id.
UPLOADS = HOME / "uploads"

# The seals over the ledger, written outside the database so that a copy can leave the machine.
SEALS = Path(env("YIMEN_SEALS", str(HOME / "seals"))).resolve()

DEBUG = env_bool("YIMEN_DEBUG", False)
TESTING = "pytest" in sys.modules
DEMO = env_bool("YIMEN_DEMO", False)


def _secret_file(name: str) -> str:
    """Read a secret from HOME/keys, making it the first time; secrets never come from the code."""
    if TESTING:
        return f"only-for-tests-{name}".ljust(64, "x")
    path = HOME / "keys" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
    return path.read_text().strip()


SECRET_KEY = env("YIMEN_SECRET_KEY") or _secret_file("session.key")
# Encrypts ID and telephone numbers (SEC-44). Losing it loses them: back HOME/keys up apart from the database.
FIELD_KEY = env("YIMEN_FIELD_KEY") or _secret_file("fields.key")

ALLOWED_HOSTS = [host for host in env("YIMEN_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if host]
CSRF_TRUSTED_ORIGINS = [origin for origin in env("YIMEN_ORIGINS").split(",") if origin]
HTTPS = env_bool("YIMEN_HTTPS", False)
BASE_URL = env("YIMEN_BASE_URL", f"http://127.0.0.1:{env('PORT', '8000')}")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "procrastinate.contrib.django",
    "yimen.ledger",
    "yimen.people",
    "yimen.catalog",
    "yimen.notify",
    "yimen.registers",
    "yimen.certificates",
    "yimen.cases",
    "yimen.hall",
    "yimen.ratings",
    "yimen.centre",
    "yimen.supervision",
    "yimen.exchange",
    "yimen.insight",
    "yimen.web",
]

MIDDLEWARE = [
    "yimen.web.middleware.SecurityHeaders",
    "yimen.web.middleware.DatabaseAway",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "yimen.web.middleware.WrongMethod",
    "yimen.web.middleware.NoNul",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "yimen.web.middleware.WhoIsAsking",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "yimen.web.urls"
WSGI_APPLICATION = "yimen.web.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "yimen.web.context.site",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "django.templatetags.i18n",
                "yimen.web.templatetags.yimen",
            ],
        },
    }
]

# Two roles on purpose: the owner migrates, the application owns nothing (assurance lesson 5).
# `yimen migrate` and the test set-up use OWNER; everything else speaks as the application.
DATABASE_URL = env("DATABASE_URL")
DATABASE_OWNER_URL = env("DATABASE_OWNER_URL")
_POOL: dict[str, Any] | bool = (
    False
    if TESTING or not env_bool("YIMEN_DB_POOL", True)
    else {"min_size": 1, "max_size": env_int("YIMEN_DB_POOL_SIZE", 20, least=1), "timeout": 5}
)


def _connection(url: str, *, pool: dict[str, Any] | bool) -> dict[str, Any]:
    options: dict[str, Any] = {"connect_timeout": 3, "application_name": "yimen", "server_side_binding": True}
    if env_bool("YIMEN_DB_PREPARE", True):
        options["prepare_threshold"] = 2  # prepared the third time: planning costs more than most statements take
    if pool:
        options["pool"] = pool
    return {
        "ENGINE": "yimen.lib.postgres",
        **database_url.parse(url),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": not pool,  # the pool's are looked at by lib.postgres
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }


# Without an address there is no server yet: commands that need one start the embedded server first
# (yimen.lib.embedded) and run again with its address in the environment.
_ROLE_URL = DATABASE_OWNER_URL if env("YIMEN_DB_ROLE", "app") == "owner" else DATABASE_URL
DATABASES = {"default": _connection(_ROLE_URL or "postgresql://yimen_app@127.0.0.1:1/yimen", pool=_POOL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# 300 ms and a retry beat a queue behind a long reader (assurance lesson 9).
MIGRATION_LOCK_TIMEOUT = "300ms"

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
# 19 MiB, t=2, p=1: Django's default of 100 MiB and 8 lanes lets 30 logins take 2.8 GB (assurance lesson 3).
PASSWORD_HASHERS = ["yimen.people.hashers.ModestArgon2"]
if TESTING:
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_ADAPTER = "yimen.web.accounts.Adapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": False}  # counted in the database for all processes: axes, people.second_factor
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Yimen"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "workbench:home"
ACCOUNT_LOGOUT_REDIRECT_URL = "portal:home"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # so that a stranger cannot lock a clerk out of his own window
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_DISABLE_ACCESS_LOG = True  # logins are ledger rows
AXES_VERBOSE = False

SESSION_ENGINE = "yimen.people.sessions"
SESSION_COOKIE_NAME = "yimen_session"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "yimen.web.errors.csrf"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(UPLOADS)},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
WHITENOISE_AUTOREFRESH = TESTING or DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 31536000
# In a signed cookie, so that saying something does not write the session; what is too long for one goes there.
MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"yimen": {"level": env("YIMEN_LOG_LEVEL", "INFO")}, "axes": {"level": "ERROR"}},
}

# How many web processes `yimen serve` keeps alive, and how many requests each answers at a time.
WEB_PROCESSES = env_int("YIMEN_WEB_PROCESSES", 2, least=1)
WEB_THREADS = env_int("YIMEN_WEB_THREADS", 16, least=1)
# A body must arrive whole within this time before it may take a thread (assurance lesson 2).
BODY_SECONDS = env_int("YIMEN_BODY_SECONDS", 15, least=1)
BODY_MAX_BYTES = env_int("YIMEN_BODY_MAX_BYTES", 25_000_000, least=1)
MAX_CONNECTIONS = env_int("YIMEN_MAX_CONNECTIONS", 2000, least=1)
# How many tickets one address may take a minute from one process; a whole hall may share an address.
TICKETS_PER_MINUTE = env_int("YIMEN_TICKETS_PER_MINUTE", 600, least=1)
BOOKINGS_PER_MINUTE = env_int("YIMEN_BOOKINGS_PER_MINUTE", 60, least=1)
API_CALLS_PER_MINUTE = env_int("YIMEN_API_CALLS_PER_MINUTE", 1200, least=1)
# Webhooks go to public https addresses only; tests have them sent to this machine.
WEBHOOKS_TO_LOOPBACK = False
# Addresses of our own reverse proxies, comma separated; only their X-Forwarded-For is believed.
TRUSTED_PROXIES = env("YIMEN_TRUSTED_PROXIES")
# Longest file handed in, and all files of one draft or case together; in bytes.
UPLOAD_MAX_BYTES = env_int("YIMEN_UPLOAD_MAX_BYTES", 20_000_000, least=1)
UPLOAD_TOTAL_BYTES = env_int("YIMEN_UPLOAD_TOTAL_BYTES", 200_000_000, least=1)
# How many days a file lies here that belongs to no case and no open draft.
UPLOAD_KEPT_DAYS = env_int("YIMEN_UPLOAD_KEPT_DAYS", 30, least=1)
# How many days it is kept what range of waiting a ticket was told, to see how often it was right.
FORECAST_KEPT_DAYS = env_int("YIMEN_FORECAST_KEPT_DAYS", 400, least=7)
# A clamd that looks at every file, "host:port" or the path of its socket; when it is away, no file is taken.
CLAMD = env("YIMEN_CLAMD")
# The SMS gateway (docs/notify.md): none, staff telephone; "file" writes to HOME/sms.jsonl; "http" calls SMS_URL.
SMS_GATEWAY = env("YIMEN_SMS_GATEWAY", "file" if DEMO else "")
SMS_URL = env("YIMEN_SMS_URL")
# Shared with the gateway: signs what we send, and its receipts.
SMS_KEY = env("YIMEN_SMS_KEY")
if SMS_GATEWAY not in {"", "file", "http"}:
    raise ImproperlyConfigured("YIMEN_SMS_GATEWAY 只能是 file、http，或者不设。")
if SMS_GATEWAY == "http" and not (
    SMS_URL.startswith(("https://", "http://127.0.0.1", "http://localhost")) and len(SMS_KEY) >= 16
):
    raise ImproperlyConfigured("YIMEN_SMS_GATEWAY=http 需要 https 的 YIMEN_SMS_URL 和至少 16 个字符的 YIMEN_SMS_KEY。")
# The service that puts electronic seals on documents, "package.module:factory"; "demo" signs with a key of no worth.
SIGNER = env("YIMEN_SIGNER")
