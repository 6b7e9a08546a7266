"""What differs in tests: cheap passwords, no kept secrets, nothing of a developer's own `.env`."""

import os

os.environ.setdefault("CHATTER_SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("HTTPS", "false")
os.environ.setdefault("LOG_FORMAT", "json")
os.environ |= {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "OLLAMA_HOST": ""}
os.environ["CHATTER_ENV_FILE"] = os.devnull
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.setdefault(name, "")

from chatter_project.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# What is counted on Redis would be shared by all test processes, and forgotten by each of them.
RATES_REDIS_URL = ""
AUDIT_CHECKPOINTS = ""
# What runs when a test is over is cut; a test that wants to see it end says so.
CHATTER_STOP_S = 0.0
if SQLITE:  # noqa: F405 - of the settings
    # Said, for pytest-django takes an engine of another name for one with files.
    DATABASES["default"]["TEST"] = {"NAME": ":memory:"}  # noqa: F405 - of the settings
