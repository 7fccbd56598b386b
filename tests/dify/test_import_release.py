"""The importer of releases: the record that it drafts of a checkout, and what its report says of each difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dify_aws import ReleaseError, import_release
from dify_aws.dify.drafts.draft import ReleaseDraft
from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.drafts.secret_names import is_secret
from dify_aws.dify.record import read_release
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.upstream.reading import read_checkout
from dify_aws.dify.variable_types import ValueType
from dify_aws.dify.variables import Reader
from tests.support.dify_checkout import FACTS, DifyCheckout, checkout_of
from tests.support.upstream_facts import facts_of

NEWEST = KNOWN[-1]
NEXT = "1.18.0"
PUBLISHED = "published-for-everybody"
API = ("api", "worker", "worker_beat", "api_websocket")


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[DifyCheckout], ReleaseDraft]:
    return lambda checkout: import_release(checkout.write(tmp_path / "dify"))


def next_release() -> DifyCheckout:
    """The newest known release, with the tag of the one that follows."""
    checkout = checkout_of(NEWEST)
    checkout.version = NEXT
    for service in checkout.services.values():
        service["image"] = service["image"].replace(f":{NEWEST}", f":{NEXT}")
    return checkout


@pytest.mark.parametrize("version", KNOWN)
def test_the_record_of_a_known_release_comes_out_again(version: str, tmp_path: Path) -> None:
    """A checkout with the names, defaults and readers of a release makes its record, and nothing is left to decide."""
    draft = import_release(checkout_of(version).write(tmp_path), base=version)
    record = known(version)
    assert draft.comparison.undecided == {}
    assert draft.comparison.new_variables == {}
    assert draft.comparison.removed_variables == draft.comparison.new_services == ()
    made = draft.release
    # What was renamed on the way to this release is no difference from itself.
    for name, variable in record.variables.items():
        default = made.variables[name].default if name == "DIFY_AGENT_RUN_RETENTION_SECONDS" else variable.default
        assert made.variables[name] == replace(variable, renamed_from="", default=default)
    assert made.variables.keys() == record.variables.keys()
    assert (made.services, made.images, made.routes) == (record.services, record.images, record.routes)
    assert (made.omitted, made.refused, made.gates, made.jobs) == (
        record.omitted,
        record.refused,
        record.gates,
        record.jobs,
    )
    assert read_release(draft.text, "draft.toml") == made


@pytest.mark.parametrize("version", KNOWN)
def test_the_facts_of_a_checkout_are_those_of_the_release(version: str, tmp_path: Path) -> None:
    """What tests/dify/upstream holds can be made again, and has nothing that upstream publishes as a secret."""
    checkout = checkout_of(version)
    facts = json.loads(FACTS.joinpath(f"{version}.json").read_text(encoding="utf-8"))
    checkout.env["DB_PASSWORD"] = PUBLISHED
    assert facts_of(read_checkout(checkout.write(tmp_path))) == facts


@pytest.mark.parametrize("version", KNOWN)
def test_a_record_is_written_as_it_was_read(version: str) -> None:
    assert read_release(record_text(known(version)), "again.toml") == known(version)


@pytest.mark.parametrize("version", KNOWN)
def test_secrets_are_known_by_their_names(version: str) -> None:
    """For every variable of upstream, the name says what the record says."""
    for name, variable in known(version).variables.items():
        if not variable.undocumented:
            assert is_secret(name) == variable.secret, name


def test_own_images_follow_the_release_and_pinned_ones_stay(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    checkout = next_release()
    checkout.services["redis"]["image"] = "redis:6-alpine"
    checkout.services["nginx"]["image"] = "nginx:latest"
    checkout.services["plugin_daemon"]["image"] = "langgenius/dify-plugin-daemon:0.7.0-local"
    draft = imported(checkout)
    assert draft.release.version == NEXT
    assert draft.release.images["api"] == f"langgenius/dify-api:{NEXT}"
    assert draft.comparison.changed_images["plugin-daemon"][1] == "langgenius/dify-plugin-daemon:0.7.0-local"
    assert draft.comparison.kept_images == {"redis": "redis:6-alpine", "nginx": "nginx:latest"}
    assert draft.release.images["redis"] == known(NEWEST).images["redis"]
    assert draft.release.images["certbot"] == known(NEWEST).images["certbot"]


def test_an_image_that_goes_back_is_to_look_at(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Its data may be of a newer form; a newer one, whose number only looks smaller as a text, is none."""
    checkout = next_release()
    checkout.services["weaviate"]["image"] = "semitechnologies/weaviate:1.27.0"
    checkout.services["sandbox"]["image"] = "langgenius/dify-sandbox:0.10.1"
    checkout.services["plugin_daemon"]["image"] = "langgenius/dify-plugin-daemon:0.10.0-local"
    notes = [note for note in imported(checkout).comparison.notes if note.startswith("the image")]
    assert [note.split()[2] for note in notes] == ["weaviate"]


def test_a_new_service_is_left_to_decide(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Its record cannot be used before somebody has said what becomes of the service."""
    checkout = next_release()
    checkout.services["knowledge"] = {
        "image": "langgenius/dify-knowledge:1.0.0",
        "profiles": ["knowledge"],
        "depends_on": ["redis"],
        "environment": {"TOKEN": f"${{KNOWLEDGE_TOKEN:-{PUBLISHED}}}"},
    }
    draft = imported(checkout)
    assert draft.comparison.new_services == ("knowledge",)
    fact = draft.comparison.undecided["services.knowledge"]
    assert "langgenius/dify-knowledge:1.0.0, profile knowledge, waits for redis" in fact
    assert fact.startswith("docker/docker-compose.yaml:")
    assert (
        draft.release.refusal("KNOWLEDGE_TOKEN")
        == "Nothing that runs here reads it; in upstream it belongs to knowledge."
    )
    with pytest.raises(ReleaseError, match=r"omitted\.knowledge") as caught:
        read_release(draft.text, "draft.toml")
    assert PUBLISHED not in str(caught.value) + draft.text + str(draft.comparison) + draft.comparison.to_json()


def test_a_removed_and_a_renamed_service(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """What was known of the old name holds for the new one: its readers, its routes and who waits for it."""
    checkout = next_release()
    checkout.services["plugins"] = checkout.services.pop("plugin_daemon")
    checkout.routes["/e"] = "plugins:5002"
    del checkout.services["qdrant"]
    draft = imported(checkout)
    assert draft.comparison.renamed_services == {"plugins": "plugin_daemon"}
    assert draft.comparison.removed_services == ("qdrant",)
    old = known(NEWEST).services["plugin_daemon"]
    assert draft.release.services["plugins"] == replace(old, name="plugins")
    assert [need.service for need in draft.release.services["agent_backend"].needs] == ["redis", "plugins"]
    assert Reader(service="plugins", name="SERVER_KEY") in draft.release.variables["PLUGIN_DAEMON_KEY"].readers
    assert not [name for name in draft.release.variables if "plugin_daemon" in draft.release.readers(name)]
    assert draft.comparison.undecided == {}
    assert "qdrant" not in draft.release.images


def test_a_new_variable_goes_to_who_reads_it(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """By the settings of dify-api, by the Compose file, or by the env file of one program."""
    checkout = next_release()
    checkout.env |= {"QUOTA_OF_APPS": "5"}
    checkout.settings.add("QUOTA_OF_APPS")
    checkout.services["sandbox"]["environment"]["WORKERS"] = "${SANDBOX_WORKERS:-4}"
    checkout.env["CODE_LIMIT"] = "9"
    checkout.services["sandbox"]["environment"]["LIMIT"] = "${CODE_LIMIT:-9}"
    checkout.files["core-services/web.env.example"] = {"BANNER_TEXT": "hello"}
    checkout.services["web"]["env_file"] = [{"path": "./envs/core-services/web.env", "required": False}, "./.env"]
    release = imported(checkout).release
    assert release.variables["QUOTA_OF_APPS"].readers == tuple(Reader(service=name) for name in API)
    assert release.variables["QUOTA_OF_APPS"].default == "5"
    assert release.variables["CODE_LIMIT"].readers == (Reader(service="sandbox", name="LIMIT"),)
    assert release.variables["SANDBOX_WORKERS"].default == "4"
    assert release.variables["BANNER_TEXT"].readers == (Reader(service="web"),)


def test_a_variable_has_the_type_of_its_annotation(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """A new one as well as one that has changed; of what no settings class has, the type is kept."""
    checkout = next_release()
    checkout.env |= dict.fromkeys(("NEW_MANY", "NEW_PART", "NEW_FLAG", "NEW_WAY", "NEW_SIZE", "NEW_TEXT"), "")
    new = {
        "NEW_MANY": "PositiveInt",
        "NEW_PART": "float | None",
        "NEW_FLAG": "Annotated[bool, 1]",
        "NEW_WAY": 'Literal["a", "b", None]',
        "NEW_SIZE": "int = Field(default=1, gt=0, description='In bytes.')",
        "SMTP_PORT": "NonNegativeInt",
    }
    checkout.settings |= {*new, "NEW_TEXT"}
    checkout.types |= new
    draft = imported(checkout)
    types = draft.release.types
    assert types["NEW_MANY"] == ValueType(type="int", least=1)
    assert types["NEW_PART"] == ValueType(type="number")
    assert types["NEW_FLAG"] == ValueType(type="bool")
    assert types["NEW_WAY"] == ValueType(type="choice", choices=("a", "b"))
    assert types["NEW_SIZE"] == ValueType(type="size", least=1, unit="bytes")
    assert types["SMTP_PORT"] == ValueType(type="int", least=0)
    assert "NEW_TEXT" not in types
    assert types["CELERY_WORKER_AMOUNT"] == known(NEWEST).types["CELERY_WORKER_AMOUNT"]
    assert read_release(draft.text, "next.toml").types == types


def test_a_default_is_a_value(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Without quotes and comments; an expression about the variable itself is what it says for nothing."""
    checkout = next_release()
    checkout.env |= {"NEW_A": "${NEW_A:-false}", "NEW_B": '"a # b"', "NEW_C": "5 # MB", "NEW_D": "'x'"}
    checkout.settings |= {"NEW_A", "NEW_B", "NEW_C", "NEW_D"}
    release = imported(checkout).release
    assert [release.variables[f"NEW_{each}"].default for each in "ABCD"] == ["false", "a # b", "5", "x"]


def test_the_first_file_counts(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Dify's .env is read last, so its example counts before those of envs/; and each of those before Compose."""
    checkout = next_release()
    checkout.files["core-services/api.env.example"] = {"LOG_TZ": "Asia/Tokyo", "NEW_A": "1"}
    checkout.services["web"]["environment"]["NEW_A"] = "${NEW_A:-2}"
    release = imported(checkout).release
    assert release.variables["LOG_TZ"].default == "UTC"
    assert release.variables["NEW_A"].default == "1"


def test_a_variable_that_nobody_is_seen_to_read_is_left_to_decide(
    imported: Callable[[DifyCheckout], ReleaseDraft],
) -> None:
    checkout = next_release()
    checkout.env["QUOTA_OF_APPS"] = "5"
    draft = imported(checkout)
    line = len(checkout.env) + 1
    assert draft.comparison.new_variables == {"QUOTA_OF_APPS": f"docker/.env.example:{line}"}
    assert list(draft.comparison.undecided) == ["variables.QUOTA_OF_APPS"]
    assert "QUOTA_OF_APPS" not in draft.release.variables
    with pytest.raises(ReleaseError, match=r"QUOTA_OF_APPS.*has no reason"):
        read_release(draft.text, "draft.toml")


def test_a_removed_a_renamed_and_a_changed_variable(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    checkout = next_release()
    del checkout.env["TOP_K_MAX_VALUE"]
    del checkout.services["web"]["environment"]["TOP_K_MAX_VALUE"]
    checkout.env["APP_MAX_EXECUTION_TIME_SECONDS"] = checkout.env.pop("APP_MAX_EXECUTION_TIME")
    checkout.settings = checkout.settings - {"APP_MAX_EXECUTION_TIME"} | {"APP_MAX_EXECUTION_TIME_SECONDS"}
    checkout.env["LOG_TZ"] = "Asia/Tokyo"
    draft = imported(checkout)
    assert draft.comparison.removed_variables == ("TOP_K_MAX_VALUE",)
    assert draft.comparison.renamed_variables == {"APP_MAX_EXECUTION_TIME_SECONDS": "APP_MAX_EXECUTION_TIME"}
    assert draft.comparison.changed_defaults["LOG_TZ"] == ("UTC", "Asia/Tokyo")
    assert draft.comparison.new_variables == {}
    variable = draft.release.variables["APP_MAX_EXECUTION_TIME_SECONDS"]
    assert variable.renamed_from == "APP_MAX_EXECUTION_TIME"
    assert variable.readers == tuple(Reader(service=name) for name in API)
    assert not {"TOP_K_MAX_VALUE", "APP_MAX_EXECUTION_TIME"} & draft.release.variables.keys()
    assert read_release(draft.text, "draft.toml") == draft.release


def test_names_that_could_be_two_are_not_called_renamed(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    checkout = next_release()
    del checkout.env["APP_MAX_EXECUTION_TIME"]
    for name in ("APP_MAX_EXECUTION_SECONDS", "APP_MAX_EXECUTION_MINUTES"):
        checkout.env[name] = "1"
        checkout.settings.add(name)
    draft = imported(checkout)
    assert draft.comparison.renamed_variables == {}
    assert draft.comparison.removed_variables == ("APP_MAX_EXECUTION_TIME",)


def test_a_new_secret_is_named_and_its_value_is_not(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """One with a published value must not be empty; two with the same one may have to be equal."""
    checkout = next_release()
    checkout.env |= {"PASSWORD_PEPPER": "", "KNOWLEDGE_API_KEY": PUBLISHED, "KNOWLEDGE_SERVER_KEY": PUBLISHED}
    checkout.settings |= {"PASSWORD_PEPPER", "KNOWLEDGE_API_KEY", "KNOWLEDGE_SERVER_KEY"}
    draft = imported(checkout)
    assert draft.comparison.new_secrets.keys() == {"PASSWORD_PEPPER", "KNOWLEDGE_API_KEY", "KNOWLEDGE_SERVER_KEY"}
    assert "empty upstream" in draft.comparison.new_secrets["PASSWORD_PEPPER"]
    assert "published value" in draft.comparison.new_secrets["KNOWLEDGE_API_KEY"]
    assert draft.comparison.shared_defaults == (("KNOWLEDGE_API_KEY", "KNOWLEDGE_SERVER_KEY"),)
    pepper, key = draft.release.variables["PASSWORD_PEPPER"], draft.release.variables["KNOWLEDGE_API_KEY"]
    assert (pepper.secret, pepper.required) == (True, False)
    assert (key.secret, key.required, key.default) == (True, True, "")
    assert PUBLISHED not in draft.text + str(draft.comparison) + draft.comparison.to_json()


def test_of_two_names_of_a_secret_the_newer_one_is_required(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Compose takes the old name if the new one is empty: who sets the new one need not set both."""
    checkout = next_release()
    checkout.env["SANDBOX_TOKEN"] = ""
    checkout.services["local_sandbox"]["environment"]["SHELLCTL_AUTH_TOKEN"] = (
        "${SANDBOX_TOKEN:-${DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN:-}}"
    )
    draft = imported(checkout)
    assert draft.comparison.aliases == {"SANDBOX_TOKEN": "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"}
    assert draft.release.variables["SANDBOX_TOKEN"].required
    assert not draft.release.variables["DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"].required


def test_a_pair_that_has_lost_its_other_half_is_left_to_decide(
    imported: Callable[[DifyCheckout], ReleaseDraft],
) -> None:
    checkout = next_release()
    del checkout.env["PLUGIN_DAEMON_KEY"]
    for service in checkout.services.values():
        environment = service.get("environment", {})
        service["environment"] = {k: v for k, v in environment.items() if "{PLUGIN_DAEMON_KEY:" not in v}
    undecided = imported(checkout).comparison.undecided
    assert "variables.DIFY_AGENT_PLUGIN_DAEMON_API_KEY.same_as" in undecided


def test_routes_that_are_new_removed_and_cannot_be_placed(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    checkout = next_release()
    del checkout.routes["/triggers"]
    checkout.routes |= {"/hooks": "api:5001", "/explore": "web:3000", "/rag": "chroma:8000", "~ ^/x": "api:5001"}
    comparison = imported(checkout).comparison
    assert comparison.new_routes == ("/hooks",)
    assert comparison.removed_routes == ("/triggers",)
    assert "which does not run here" in comparison.undecided["routes./rag"]
    assert "location ~ ^/x" in comparison.undecided["unread[0]"]


def test_a_migration_that_deletes_is_a_gate(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    """Of what upgrade() does, also inside of a batch; what downgrade() does is nobody's upgrade."""
    checkout = next_release()
    checkout.migrations |= {
        "aaaa": 'op.drop_table("sessions")',
        "bbbb": 'with op.batch_alter_table("apps") as batch:\n        batch.drop_column("icon")',
        "cccc": 'op.execute("UPDATE apps SET icon = 1")',
    }
    draft = imported(checkout)
    assert draft.comparison.migrations == 3
    assert draft.release.migration_head == "cccc"
    gates = draft.release.gates[len(known(NEWEST).gates) :]
    assert [(gate.before, gate.reversible) for gate in gates] == [(NEXT, False)] * 2
    assert "drops sessions" in gates[0].reason
    assert "drops apps.icon" in gates[1].reason
    assert any("cccc_.py executes 1 SQL" in note for note in draft.comparison.notes)


def test_notes_on_modes_and_on_migrations_of_another_line(imported: Callable[[DifyCheckout], ReleaseDraft]) -> None:
    checkout = next_release()
    checkout.modes.remove("job")
    checkout.migrations = {"aaaa": "pass"}
    comparison = imported(checkout).comparison
    assert comparison.migrations is None
    assert any("has no mode job" in note for note in comparison.notes)
    assert any("migrations that are new cannot be told" in note for note in comparison.notes)


def _without(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def _replaced(path: str, text: str) -> Callable[[Path], None]:
    def replaced(root: Path) -> None:
        (root / path).write_text(text, encoding="utf-8")

    return replaced


def _linked(root: Path) -> None:
    (root / "docker/.env.example").unlink()
    (root / "docker/.env.example").symlink_to("/etc/hostname")


COMPOSE = "docker/docker-compose.yaml"
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no Compose file": (_without(COMPOSE), f"{COMPOSE} = None: is missing"),
    "no YAML": (_replaced(COMPOSE, "services:\n  api: {image: [\n"), f"{COMPOSE}:3"),
    "no services": (_replaced(COMPOSE, "version: '3'\n"), f"{COMPOSE}: services"),
    "no image": (_replaced(COMPOSE, "services:\n  api:\n    image: 5\n"), f"{COMPOSE}:2: services.api"),
    "ports of no list": (
        _replaced(COMPOSE, "services:\n  api:\n    image: langgenius/dify-api:1.18.0\n    ports: 80\n"),
        f"{COMPOSE}:2: services.api.ports",
    ),
    "a moving version": (
        _replaced(COMPOSE, "services:\n  api:\n    image: langgenius/dify-api:latest\n"),
        "is no version",
    ),
    "two versions": (
        _replaced(
            COMPOSE,
            "services:\n  a:\n    image: langgenius/dify-api:1.18.0\n  b:\n    image: langgenius/dify-api:1.18.1\n",
        ),
        "is not one version",
    ),
    "no env file": (_without("docker/.env.example"), "docker/.env.example = None: is missing"),
    "a line that is no variable": (_replaced("docker/.env.example", "A=1\nhello there\n"), "docker/.env.example:2"),
    "a link out of the checkout": (_linked, "leads out of the checkout"),
    "no entrypoint": (_without("api/docker/entrypoint.sh"), "api/docker/entrypoint.sh = None: is missing"),
    "no Python": (_replaced("api/configs/app.py", "class :\n"), "api/configs/app.py:1"),
    "no migration": (_replaced("api/migrations/versions/x.py", "a = 1\n"), "api/migrations/versions/x.py: revision"),
    "no locations": (_replaced("docker/nginx/conf.d/default.conf.template", "server {}\n"), "has no location"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_checkout_that_cannot_be_read_says_where(case: str, tmp_path: Path) -> None:
    """By file and line or key, and never with a traceback."""
    broken, named = BROKEN[case]
    folder = next_release().write(tmp_path / "dify")
    broken(folder)
    with pytest.raises(ReleaseError) as caught:
        import_release(folder)
    assert named in str(caught.value)


def test_all_problems_of_a_checkout_at_once(tmp_path: Path) -> None:
    folder = next_release().write(tmp_path / "dify")
    for case in ("no env file", "no entrypoint", "no Python", "no locations"):
        BROKEN[case][0](folder)
    with pytest.raises(ReleaseError) as caught:
        import_release(folder)
    assert len(caught.value.problems) == 4


def test_no_checkout_and_no_base(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="is no folder"):
        import_release(tmp_path / "nowhere")
    with pytest.raises(ReleaseError, match=r"1\.0\.0.*has no record"):
        import_release(tmp_path, base="1.0.0")


def test_the_commit_is_in_the_record(tmp_path: Path) -> None:
    """Of a branch, of a packed branch, and of a commit that is checked out itself."""
    folder, commit = next_release().write(tmp_path / "dify"), "0123456789abcdef0123456789abcdef01234567"
    (folder / ".git/refs/heads").mkdir(parents=True)
    assert import_release(folder).release.source == "a checkout of langgenius/dify"
    (folder / ".git/HEAD").write_text(f"{commit}\n")
    assert import_release(folder).release.source == f"langgenius/dify@{commit}"
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".git/packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/main\n")
    assert import_release(folder).release.source == f"langgenius/dify@{commit}"
    (folder / ".git/refs/heads/main").write_text(f"{commit[::-1]}\n")
    assert import_release(folder).release.source == f"langgenius/dify@{commit[::-1]}"
