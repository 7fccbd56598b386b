"""Variables that Dify's example of .env sets to something else than its program assumes when they are missing.

Whoever starts Dify by its own Compose file has the example's value. Here such a variable is set to it, or has a value
of ours, or it does not matter: it belongs to a store that no setting offers, or is a placeholder to be filled in.

``program_defaults.json`` has, by release and name, the example's value and the program's.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import pytest

from dify_aws.dify.known_variables import instead
from dify_aws.dify.records import known
from dify_aws.runtimes.compose.environment import AS_UPSTREAM
from tests.support.bundles import bundle, variables

FACTS: Final = json.loads(Path(__file__).with_name("program_defaults.json").read_text())

OF_OTHER_STORES: Final = (
    *("ALIBABACLOUD_*", "ALIYUN_*", "ANALYTICDB_*", "AZURE_*", "BAIDU_*", "CHROMA_*", "CLICKZETTA_*", "COUCHBASE_*"),
    *("ELASTICSEARCH_*", "GOOGLE_STORAGE_*", "HUAWEI_*", "IRIS_*", "LINDORM_*", "MATRIXONE_*", "MILVUS_*", "MYSCALE_*"),
    *("OCEANBASE_*", "OCI_*", "OPENGAUSS_*", "OPENSEARCH_*", "ORACLE_*", "PGVECTO_RS_*", "RELYT_*", "SUPABASE_*"),
    *("TABLESTORE_*", "TENCENT_*", "TIDB_*", "UPSTASH_*", "VASTBASE_*", "VIKINGDB_*", "VOLCENGINE_*"),
)
"""Databases, vector stores and storages that no setting offers."""

NO_DIFFERENCE: Final = {
    "CELERY_TASK_ANNOTATIONS": "null is how the example writes nothing",
    "MAIL_TYPE": "the example names a service of mail without its key; without a name nothing is sent either",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "nothing is exported unless somebody turns it on",
    "RESEND_API_URL": "where the service is found by default",
    "KNOWLEDGE_FS_ENABLED": "both are off",
}


@pytest.mark.parametrize("version", sorted(FACTS))
def test_no_variable_differs_from_the_example_unintentionally(version: str) -> None:
    release = known(version)
    written = variables(bundle(profile="full"))
    for name, (example, _) in FACTS[version].items():
        if name not in release.variables or any(fnmatchcase(name, pattern) for pattern in OF_OTHER_STORES):
            continue
        # What is left out on purpose has a setting in its place.
        if name in NO_DIFFERENCE or instead(name) is not None:
            continue
        assert name in written, f"{name}: the example of .env has {example!r}"


def test_what_is_set_as_upstream_is_as_upstream() -> None:
    newest = FACTS["1.17.1"]
    assert {name: newest[name][0] for name in AS_UPSTREAM} == dict(AS_UPSTREAM)
    written = variables(bundle())
    assert all(written[name] == value for name, value in AS_UPSTREAM.items())


def test_a_person_may_say_otherwise() -> None:
    written = variables(bundle(env={"SMTP_USE_TLS": "false", "LOG_DATEFORMAT": "%H:%M"}))
    assert (written["SMTP_USE_TLS"], written["LOG_DATEFORMAT"]) == ("false", "%H:%M")
