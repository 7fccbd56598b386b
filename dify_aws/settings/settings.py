"""Settings: the desired state of an environment, frozen, and checked as a whole before AWS is called."""

# No `from __future__ import annotations` here: a rule is read off its field's annotation.
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from ipaddress import IPv4Network
from typing import Annotated, Any, Self, cast, get_args

from dify_aws.errors import Problem, SettingsError
from dify_aws.secrets import Secret
from dify_aws.settings import (
    aws_rules,
    deployment_rules,
    dify_rules,
    env_rules,
    internal_host_rules,
    limit_rules,
    mail_rules,
    network_rules,
    networks,
    registry_rules,
    release_rules,
    rules,
    tag_rules,
)
from dify_aws.settings.checked import checked, defaults
from dify_aws.settings.environment_variables import PREFIX, read_environment
from dify_aws.settings.names import below_tables, misplaced, unknown
from dify_aws.settings.toml_file import read_toml


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """The desired state of one environment of Dify.

    Every value is checked when the object is made, so a ``Settings`` that exists is one that can be planned. A setting
    is one line below: its type, its rule and its default.

    Args:
        project: the first part of every name in AWS.
        environment: the second part: ``dev``, ``staging``. Project and environment together name the deployment.
        region: the AWS region.
        vpc_cidr: the private IPv4 range of the VPC, /16 to /26.
        vpc_id: a VPC that exists and is used as it is, never changed or deleted; ``vpc_cidr`` has to be its range, and
            ``nat_gateway`` does not count. ``None``: one of our own is made.
        public_subnet_id: the subnet of that VPC for the host; its routes lead to an internet gateway.
        private_subnet_id: another subnet of that VPC, for the endpoint of ``ssh="tunnel"``; ``None``: the public.
        docker_cidr: the range of the containers' networks on the host, /16 to /21, beside every network that the host
            reaches; ``None``: 172.30.0.0/16, or 172.29.0.0/16 if the VPC overlaps with that.
        availability_zone: the zone; ``None``: the first that has capacity for the instance type, and from then on that.
        nat_gateway: whether the private subnet reaches the internet. AWS charges by the hour for it.
        web_cidrs: the IPv4 and IPv6 networks that reach ports 80 and 443; one may stand alone, none is nobody.
        instance_type: the size of the host: 4 GiB of memory or more, x86-64, or Graviton (t4g, m7g, …).
        image_id: the AMI; ``None`` takes the newest Ubuntu 22.04 LTS that Canonical has published for the type's
            architecture.
        cpu_credits: of a t2, t3, t3a or t4g: ``unlimited`` computes on when the earned credits are used up, which AWS
            bills by the hour; ``standard`` is slowed down instead. Other types have none.
        root_volume_gib: GiB for the system and the container images.
        data_volume_gib: GiB for what Dify stores. It grows in place and never shrinks.
        log_retention_days: days that CloudWatch keeps the logs.
        permissions_boundary: the ARN of a managed policy that limits every role that is made, for accounts where roles
            may be made only with one; ``none`` takes it off again, and ``None`` leaves what is there.
        alarm_email: who hears about alarms; ``None``: nobody. AWS asks that address to confirm.
        tags: further tags for everything that is made, at most 40.
        dify_version: the release of Dify: one that we know the images of, or a later patch of one.
        release: the file of a record, for a release that this version does not know; ``dify_version`` has to be its
            version. ``dify-aws release import`` drafts one.
        vector_store: ``pgvector`` (in the one PostgreSQL, so that one dump holds all), ``weaviate`` or ``qdrant``. To
            be chosen before the first installation: Dify does not move vectors from one to another.
        storage: where Dify keeps files: ``s3`` (under ``uploads/`` of our bucket) or ``local`` (the data volume).
        domain: the host name for HTTPS, pointing to the public address; ``None``: plain HTTP by address.
        email: whom the certificate authority writes to; needed with ``domain``.
        profile: ``compact`` runs what Dify cannot do without and fits 4 GiB; ``full`` adds the new agents and working
            together on one canvas, and wants 8 GiB.
        admin_email: the first admin, made before anybody else can reach Dify; ``None``: the page /install makes it.
        admin_name: the name of the first admin, at most 30 characters.
        images: full references that count instead of ours, by name, like ``{"nginx":
            "registry.example.com/nginx:1.28.2"}``.
        image_registry: a registry that has copies of all images, with what their names begin with there, like
            ``registry.example.com/mirror``; ``None``: each comes from where it is published.
        registry_secret: the secret in AWS Secrets Manager with the login to that registry, a JSON object with
            ``username`` and ``password``, under ``project/environment/``; ``None``: no login is needed.
        docker_source: Docker's own package repository (``docker``) or Ubuntu's (``distribution``).
        env: further variables for Dify's ``.env``. The values are kept as ``Secret``, so they are never shown, and
            settings that have any are not pickled.
        telemetry: whether Dify and Next.js report about this installation to their makers, as they do by default.
        concurrency: people who run a workflow or chat at the same time; ``None``: by ``profile``, 60 or 80. Celery,
            gunicorn, the pools of connections, PostgreSQL and the memory of their containers follow.
        sandbox_timeout_seconds: how long the code of one step of a workflow may run. What waits for it waits longer.
        postgres_memory_mib: MiB that PostgreSQL may take at most; ``None``: what its connections and cache need.
        postgres_shared_buffers_mib: MiB of PostgreSQL's own cache; ``None``: by ``profile``.
        postgres_max_connections: connections to PostgreSQL; ``None``: as many as all processes of Dify may open.
        internal_hosts: what workflows may reach of your private network: addresses, networks, full host names, with a
            port after a colon (else 80 and 443). Everything else that is private stays out of their reach.
        ssh: how the installer reaches the host: port 22 leased to this address (``lease``), or an EC2 Instance Connect
            Endpoint and no open port (``tunnel``).

    Raises:
        SettingsError: with every problem at once, each by its field, with what would be right.

    >>> Settings(environment="dev", vpc_cidr="10.7.0.0/16").public_cidr
    '10.7.1.0/24'
    """

    project: Annotated[str, deployment_rules.project] = "dify"
    environment: Annotated[str, deployment_rules.environment]
    region: Annotated[str, aws_rules.region] = "ap-northeast-1"
    vpc_cidr: Annotated[str, network_rules.vpc_cidr] = "10.0.0.0/16"
    vpc_id: Annotated[str | None, rules.optional(aws_rules.existing("vpc"))] = None
    public_subnet_id: Annotated[str | None, rules.optional(aws_rules.existing("subnet"))] = None
    private_subnet_id: Annotated[str | None, rules.optional(aws_rules.existing("subnet"))] = None
    docker_cidr: Annotated[str | None, rules.optional(network_rules.docker_cidr)] = None
    availability_zone: Annotated[str | None, rules.optional(aws_rules.availability_zone)] = None
    nat_gateway: Annotated[bool, rules.flag] = True
    web_cidrs: Annotated[tuple[str, ...], network_rules.web_cidrs] = ("0.0.0.0/0",)
    instance_type: Annotated[str, aws_rules.instance_type] = "t3.medium"
    image_id: Annotated[str | None, rules.optional(aws_rules.image_id)] = None
    cpu_credits: Annotated[str, rules.choice("standard", "unlimited")] = "unlimited"
    root_volume_gib: Annotated[int, rules.whole_number(20, 16384, "two releases of Dify fit beside Ubuntu")] = 30
    data_volume_gib: Annotated[int, rules.whole_number(10, 16384, "for databases, vectors and plugins")] = 50
    log_retention_days: Annotated[int, aws_rules.retention_days] = 30
    permissions_boundary: Annotated[str | None, rules.optional(aws_rules.permissions_boundary)] = None
    alarm_email: Annotated[str | None, rules.optional(mail_rules.reachable_email)] = None
    tags: Annotated[Mapping[str, str], tag_rules.tags] = field(default_factory=dict, hash=False)
    dify_version: Annotated[str, dify_rules.release] = "1.17.1"
    release: Annotated[str | None, rules.optional(release_rules.release)] = None
    vector_store: Annotated[str, rules.choice("pgvector", "weaviate", "qdrant")] = "pgvector"
    storage: Annotated[str, rules.choice("s3", "local")] = "s3"
    domain: Annotated[str | None, rules.optional(dify_rules.domain)] = None
    email: Annotated[str | None, rules.optional(mail_rules.reachable_email)] = None
    profile: Annotated[str, dify_rules.profile] = "compact"
    admin_email: Annotated[str | None, rules.optional(mail_rules.email)] = None
    admin_name: Annotated[str, dify_rules.admin_name] = "Admin"
    images: Annotated[Mapping[str, str], dify_rules.images] = field(default_factory=dict, hash=False)
    image_registry: Annotated[str | None, rules.optional(registry_rules.image_registry)] = None
    registry_secret: Annotated[str | None, rules.optional(registry_rules.registry_secret)] = None
    docker_source: Annotated[str, rules.choice("docker", "distribution")] = "docker"
    env: Annotated[Mapping[str, str | Secret], env_rules.env] = field(default_factory=dict, hash=False)
    telemetry: Annotated[bool, rules.flag] = False
    concurrency: Annotated[int | None, rules.optional(limit_rules.concurrency)] = None
    sandbox_timeout_seconds: Annotated[int, rules.whole_number(1, 3600, "a workflow has an end")] = 15
    postgres_memory_mib: Annotated[int | None, rules.optional(limit_rules.memory_mib)] = None
    postgres_shared_buffers_mib: Annotated[int | None, rules.optional(limit_rules.shared_buffers_mib)] = None
    postgres_max_connections: Annotated[int | None, rules.optional(limit_rules.max_connections)] = None
    internal_hosts: Annotated[tuple[str, ...], internal_host_rules.internal_hosts] = ()
    ssh: Annotated[str, rules.choice("lease", "tunnel")] = "lease"

    def __post_init__(self) -> None:
        values, problems = checked(fields(self), self._given())
        if problems:
            raise SettingsError(problems)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], /, **overrides: object) -> Self:
        """The settings in a TOML file: one ``name = value`` a line, no tables but ``tags``.

        Args:
            path: the file.
            overrides: settings that count instead of the file's.

        Raises:
            SettingsError: naming the file, if it cannot be read or is not TOML, and for all that is wrong in it.
        """
        where = os.fspath(path)
        return cls._gathered(read_toml(path), overrides, lambda _: f" (in {where})")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, /, **overrides: object) -> Self:
        """The settings in environment variables: ``DIFY_AWS_ENVIRONMENT``, ``DIFY_AWS_VPC_CIDR`` and so on.

        Lists are separated by commas, tables (tags, images, env) are ``key=value,key=value``, yes or no is ``true``,
        ``yes``, ``1``, ``false``, ``no`` or ``0``. An empty variable is an empty value, and none at all is the default.

        Args:
            environ: the variables; those of this process by default.
            overrides: settings that count instead of the variables'.

        Raises:
            SettingsError: for all that is wrong, by variable; one that is no setting is a problem too.
        """
        types = {setting.name: get_args(setting.type)[0] for setting in fields(cls)}
        given = read_environment(os.environ if environ is None else environ, types)
        return cls._gathered(given, overrides, lambda name: f" (in {PREFIX}{name.upper()})")

    def replace(self, **changes: object) -> Self:
        """The same settings but for the changes, checked again.

        Raises:
            SettingsError: as for new settings.
        """
        return self._gathered(self._given(), changes, lambda _: "")

    @property
    def deployment(self) -> str:
        """The name that everything of this environment carries in AWS, like ``dify/dev``."""
        return f"{self.project}/{self.environment}"

    @property
    def metric_namespace(self) -> str:
        """Where the metrics of this environment are in CloudWatch, like ``Dify/dev``."""
        return f"{self.project.capitalize()}/{self.environment}"

    @property
    def public_cidr(self) -> str:
        """The range of the public subnet: the VPC's second /24, or its second quarter if it is smaller than /22."""
        return str(networks.divide(IPv4Network(self.vpc_cidr))[0])

    @property
    def private_cidr(self) -> str:
        """The range of the private subnet: the VPC's third /24, or its third quarter if it is smaller than /22."""
        return str(networks.divide(IPv4Network(self.vpc_cidr))[1])

    def __repr__(self) -> str:
        usual = defaults(type(self))
        values = [f"{name}={value!r}" for name, value in self._given().items() if (name, value) not in usual.items()]
        return f"{type(self).__name__}({', '.join(values)})"

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping proxy is neither pickled nor deep-copied by Python, and Settings should be.
        return partial(type(self), **self._given()), ()

    def _given(self) -> dict[str, Any]:
        values = ((setting.name, getattr(self, setting.name)) for setting in fields(self))
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values}

    @classmethod
    def _gathered(
        cls, found: Mapping[str, object], overrides: Mapping[str, object], place: Callable[[str], str]
    ) -> Self:
        given = {**found, **overrides}
        known = [setting.name for setting in fields(cls)]
        lost = list(below_tables(given, known))
        problems = [misplaced(table, name, cast(Any, given[table])[name], known) for table, name in lost]
        for table, name in lost:
            given[table] = {key: value for key, value in cast(Any, given[table]).items() if key != name}
        values, wrong = checked(fields(cls), {**defaults(cls), **given})
        problems += [*wrong, *(unknown(name, given[name], known) for name in sorted(given.keys() - set(known)))]
        elsewhere = {name for _, name in lost}
        for name in known:
            if name not in given and name not in defaults(cls) and name not in elsewhere:
                problems.append(Problem(name, None, "is missing", "It has no default"))
        if problems:
            raise SettingsError(
                one if one.field in overrides else replace(one, wrong=one.wrong + place(one.field)) for one in problems
            )
        return cls(**values)
