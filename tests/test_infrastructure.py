"""CloudFormation stack end to end: upload, event, queue, analysis, search."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import quote_plus

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from django.core.management import call_command
from django.urls import reverse

from analysis import tasks
from analysis.aws import s3_objects
from analysis.bucket_sync import connection_check
from analysis.models import Image, Upload
from analysis.permissions import viewer_of
from analysis.search.results import page
from analysis.search.syntax.parser import parse
from tests import pictures
from tests.factories import create_bucket, labels_answer
from tests.moto_server import moto_server
from tests.s3_event_messages import notice, record
from tests.storage.test_s3 import post

# moto makes no policies of buckets and queues, alarms, secrets, caches and distributions, and says so.
UNMADE = "ignore:Tried to parse AWS.*not supported by moto:UserWarning"
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings(UNMADE)]
TEMPLATE = Path(__file__).resolve().parent.parent / "infra/cloudformation.yaml"
ORIGIN = "http://testserver"
PARAMETERS = {"Origin": ORIGIN, "BucketName": "pictures-of-a-template", "QueueName": "events-of-a-template"}


@pytest.fixture(scope="module")
def moto():
    with moto_server() as address:
        yield address


@pytest.fixture
def aws(moto, monkeypatch):
    """Clients by service."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", moto)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
    s3_objects.reset()
    session = boto3.session.Session()
    made = {name: session.client(name, region_name="us-east-1", endpoint_url=moto) for name in ("s3", "sqs", "iam")}
    yield {**made, "cloudformation": session.client("cloudformation", region_name="us-east-1", endpoint_url=moto)}
    s3_objects.reset()


def template(name: str = "cloudformation") -> dict:
    return cfn_yaml.loads((TEMPLATE.parent / f"{name}.yaml").read_text())


@pytest.fixture
def deployed(aws, moto, settings) -> dict[str, str]:
    """The stack, with the CORS rules and notifications that moto leaves out."""
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()]
    aws["cloudformation"].create_stack(
        StackName="imagelib", TemplateBody=TEMPLATE.read_text(), Parameters=given, Capabilities=["CAPABILITY_IAM"]
    )
    stack = aws["cloudformation"].describe_stacks(StackName="imagelib")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    bucket = template()["Resources"]["Pictures"]["Properties"]
    rules = [
        {**{name: list(rule[name]) for name in ("AllowedMethods", "AllowedHeaders")}, "AllowedOrigins": [ORIGIN]}
        for rule in bucket["CorsConfiguration"]["CorsRules"]
    ]
    aws["s3"].put_bucket_cors(Bucket=outputs["PicturesBucket"], CORSConfiguration={"CORSRules": rules})
    notifications = [
        {
            "QueueArn": outputs["EventsQueueArn"],
            "Events": [queue["Event"]],
            "Filter": {"Key": {"FilterRules": [dict(rule) for rule in queue["Filter"]["S3Key"]["Rules"]]}},
        }
        for queue in bucket["NotificationConfiguration"]["QueueConfigurations"]
    ]
    aws["s3"].put_bucket_notification_configuration(
        Bucket=outputs["PicturesBucket"], NotificationConfiguration={"QueueConfigurations": notifications}
    )
    settings.AWS_REGION, settings.EVENTS_QUEUE_URL = "us-east-1", outputs["EventsQueueUrl"]
    options = {"bucket_name": outputs["PicturesBucket"], "region_name": "us-east-1", "endpoint_url": moto}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    yield outputs
    urllib.request.urlopen(f"{moto}/moto-api/reset", data=b"").close()


def consume(*, has_poison: bool = False) -> str:
    output = io.StringIO()
    with pytest.raises(SystemExit, match=r"^1$") if has_poison else nullcontext():
        call_command("consume_events", "--until-empty", stdout=output, stderr=output)
    return output.getvalue()


SERVICES = {
    "Image": "registry/imagelib:1",
    "HostName": "pictures.example.org",
    "BucketName": "b",
    "EventsQueueUrl": "q",
    "WebRole": "arn:aws:iam::123456789012:role/web",
    "WorkerRole": "arn:aws:iam::123456789012:role/worker",
    "DatabaseUrlSecret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:database",
    "RedisUrl": "rediss://cache:6379/0?ssl_cert_reqs=required",
}


@pytest.fixture
def create(aws, moto):
    """Creates a stack; returns the names of its resources that moto makes."""
    session = boto3.session.Session()
    clients = {
        name: session.client(name, region_name="us-east-1", endpoint_url=moto) for name in ("ec2", "acm", "ecs", "rds")
    }

    def stack(name: str, **parameters: str) -> set[str]:
        subnets = [subnet["SubnetId"] for subnet in clients["ec2"].describe_subnets()["Subnets"]][:2]
        network = {"Vpc": clients["ec2"].describe_vpcs()["Vpcs"][0]["VpcId"], "Subnets": ",".join(subnets)}
        certificate = clients["acm"].request_certificate(DomainName="pictures.example.org")["CertificateArn"]
        given = {**network, "CertificateArn": certificate, **parameters}
        content = template(name)
        # moto's outputs must not name resources that it does not make.
        unmade = re.compile(r"\b(Distribution|Cache)\b")
        content["Outputs"] = {k: v for k, v in content["Outputs"].items() if not unmade.search(json.dumps(v))}
        aws["cloudformation"].create_stack(
            StackName=name,
            TemplateBody=json.dumps(content),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in given.items()
                if key in content["Parameters"]
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        made = aws["cloudformation"].describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"] for resource in made if "LogicalResourceId" in resource}

    yield stack, clients
    urllib.request.urlopen(f"{moto}/moto-api/reset", data=b"").close()


def matches(owner, query: str) -> list[Image]:
    return page(parse(query), viewer=viewer_of(owner)).images


def test_an_upload_goes_the_whole_way_though_no_browser_says_that_it_is_complete(
    owner, signed_in, rekognition, deployed
):
    rekognition.answers = [labels_answer(Dog=98)]
    content = pictures.jpeg()
    grant = signed_in(owner).post(reverse("uploads"), {"name": "dog.jpg", "size": len(content)}).json()
    assert post(grant, content) == 204
    # S3's test message, the upload, and nothing of the renditions that come of it.
    assert "2 messages with 1 events processed, 0 moved to the dead-letter queue." in consume()
    tasks.check_uploads()
    tasks.run_recognition(recognizer="rekognition", api="labels")
    assert "0 messages" in consume()
    image = Image.objects.get()
    assert (matches(owner, "dog"), Upload.objects.get().state) == ([image], "taken")


def test_a_picture_of_another_bucket_goes_the_whole_way(owner, aws, rekognition, deployed):
    rekognition.answers = [labels_answer(Cat=97)]
    bucket = create_bucket(owner, name="archive-of-a-template")
    aws["s3"].create_bucket(Bucket=bucket.name)
    configuration = connection_check.notification_config(deployed["EventsQueueArn"], bucket.prefix)
    aws["s3"].put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration=configuration)
    aws["s3"].put_object(Bucket=bucket.name, Key="2024/ä b+c.jpg", Body=pictures.jpeg())
    consume()
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    tasks.run_recognition(recognizer="rekognition", api="labels")
    [image] = matches(owner, "cat bucket:archive")
    assert image.key == "2024/ä b+c.jpg"
    aws["s3"].delete_object(Bucket=bucket.name, Key=image.key)
    consume()
    tasks.import_bucket_objects(bucket_id=bucket.pk)
    assert matches(owner, "cat") == []


def test_a_browser_of_this_origin_may_upload_and_no_other(deployed, moto):
    def preflight(origin: str) -> int:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        options = urllib.request.Request(f"{moto}/{deployed['PicturesBucket']}", method="OPTIONS", headers=headers)
        try:
            with urllib.request.urlopen(options) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert (preflight(ORIGIN), preflight("https://evil.example")) == (200, 403)


def test_the_queue_buries_and_the_roles_may_do_no_more_than_is_needed(deployed, aws):
    url = deployed["EventsQueueUrl"]
    attributes = aws["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].endswith(":events-of-a-template-dead")
    aws["sqs"].send_message(QueueUrl=url, MessageBody=notice(record(quote_plus("a.jpg"), bucket="nobodys")))
    assert "1 moved to the dead-letter queue" in consume(has_poison=True)
    resources = template()["Resources"]
    statements = [
        statement
        for name in ("KeepPictures", "ReadOtherBuckets", "Worker", "Web")
        for policy in [resources[name]["Properties"], *resources[name]["Properties"].get("Policies", [])]
        for statement in policy.get("PolicyDocument", {}).get("Statement", [])
    ]
    assert not any("*" in str(statement["Action"]) for statement in statements)
    assert [statement["Sid"] for statement in statements if statement["Resource"] == "*"] == ["Recognize", "ReadQuotas"]


def test_only_named_buckets_send_events_and_what_is_deleted_is_kept_for_a_while():
    resources = template()["Resources"]
    assert resources["Pictures"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    [statement] = resources["EventsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    [_, others, own] = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::If"]
    assert own == {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}"}
    assert others["Fn::Split"][1]["Fn::Sub"][0].startswith("arn:${AWS::Partition}:s3:::${BucketName},")
    for role in ("Web", "Worker"):
        [statement] = resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        _, condition, otherwise = statement["Condition"]["Fn::If"]
        assert (sorted(condition), otherwise) == (["ArnLike", "StringEquals"], {"Ref": "AWS::NoValue"})
    rules = resources["Pictures"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [rule["Id"] for rule in rules if "NoncurrentVersionExpiration" in rule] == [
        "abandoned-uploads",
        "deleted-versions",
    ]


@pytest.mark.parametrize("has_options", [False, True])
def test_roles_of_other_accounts_and_cloudfront_are_options(create, has_options):
    options = {"OtherRoles": "arn:aws:iam::222222222222:role/imagelib", "CloudFrontPublicKey": "PEM"}
    made = create[0]("cloudformation", **PARAMETERS, **(options if has_options else {}))
    assert made >= {"Pictures", "Events", "DeadLetters", "Web", "Worker", "KeepPictures"}
    assert ("AssumeOtherRoles" in made) == has_options
    resources = template()["Resources"]
    conditional = {name for name, resource in resources.items() if resource.get("Condition") == "HasCloudFront"}
    assert conditional == {"OriginAccess", "SigningKey", "SigningKeys", "Distribution"}
    [_, statement, nothing] = resources["PicturesPolicy"]["Properties"]["PolicyDocument"]["Statement"][1]["Fn::If"]
    assert (statement["Action"], nothing) == ("s3:GetObject", {"Ref": "AWS::NoValue"})
    assert statement["Resource"] == {"Fn::Sub": "${Pictures.Arn}/renditions/*"}


@pytest.mark.parametrize(("database", "cache"), [("db.t4g.small", "cache.t4g.micro"), ("", "")], ids=["both", "none"])
def test_database_and_cache_are_options_that_only_clients_reach(create, database, cache):
    stack, clients = create
    made = stack("servers", DatabaseClass=database, CacheClass=cache)
    assert {"Clients", "Servers"} <= made
    assert ({"Database", "DatabaseSubnets"} <= made) == bool(database)
    instances = clients["rds"].describe_db_instances()["DBInstances"]
    assert [(instance["StorageEncrypted"], instance["PubliclyAccessible"]) for instance in instances] == [
        (True, False)
    ][: bool(database)]
    content = template("servers")
    rules = content["Resources"]["Servers"]["Properties"]["SecurityGroupIngress"]
    assert {(rule["FromPort"], str(rule["SourceSecurityGroupId"])) for rule in rules} == {
        (port, str({"Fn::GetAtt": ["Clients", "GroupId"]})) for port in (5432, 6379)
    }
    conditions = {name: resource.get("Condition") for name, resource in content["Resources"].items()}
    assert {name for name, condition in conditions.items() if condition == "HasCache"} == {
        "Cache",
        "CacheParameters",
        "CacheSubnets",
    }


@pytest.mark.parametrize(("running", "counts"), [("yes", [1, 1, 1, 2]), ("no", [0, 0, 0, 0])])
def test_services_run_each_word_and_stop_together(create, running, counts):
    stack, clients = create
    stack("services", **SERVICES, Running=running, WebCount="2", CloudFrontKeySecret=SERVICES["DatabaseUrlSecret"])
    [cluster] = clients["ecs"].list_clusters()["clusterArns"]
    arns = clients["ecs"].list_services(cluster=cluster)["serviceArns"]
    services = clients["ecs"].describe_services(cluster=cluster, services=arns)["services"]
    assert sorted(service["desiredCount"] for service in services) == counts
    tasks = [
        clients["ecs"].describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        for service in services
    ]
    assert sorted(task["containerDefinitions"][0]["command"][0] for task in tasks) == [
        *("beat", "consumer", "web", "worker"),
    ]


def test_tasks_may_write_two_volumes_and_their_settings_exist():
    resources = template("services")["Resources"]
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (TEMPLATE.parent.parent / "docs/settings.md").read_text()))
    for name in ("Web", "Worker", "Beat", "Consumer"):
        [container] = resources[f"{name}Task"]["Properties"]["ContainerDefinitions"]
        assert (container["ReadonlyRootFilesystem"], container["HealthCheck"]["Command"]) == (
            True,
            ["CMD", "imagelib", "health"],
        )
        assert [mount["ContainerPath"] for mount in container["MountPoints"]] == ["/var/lib/imagelib", "/tmp"]
        assert {variable["Name"] for variable in container["Environment"]} <= documented
        assert [secret["Name"] for secret in container["Secrets"] if "Name" in secret] == ["SECRET_KEY", "DATABASE_URL"]


def test_one_scheduler_runs_and_no_policy_of_the_services_has_a_wildcard():
    resources = template("services")["Resources"]
    deployment = resources["BeatService"]["Properties"]["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (0, 100)
    roles = [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::IAM::Role"]
    statements = [
        statement
        for role in roles
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [(statement["Action"], "*" in str(statement["Resource"])) for statement in statements] == [
        ("secretsmanager:GetSecretValue", False)
    ]


def deployments(page: str) -> list[tuple[str, set[str]]]:
    """Template and parameters of each `aws cloudformation deploy` of a page."""
    text = (TEMPLATE.parent.parent / "docs" / page).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "cloudformation deploy" in line]
    files = [re.search(r"--template-file infra/(\w+)\.yaml", line)[1] for line in lines]
    return [(file, set(re.findall(r" (\w+)=", line))) for file, line in zip(files, lines, strict=True)]


@pytest.mark.parametrize(("page", "number"), [("aws.md", 3), ("operations.md", 1)])
def test_the_pages_give_every_parameter_that_a_template_requires(page, number):
    found = deployments(page)
    assert len(found) == number
    for file, given in found:
        parameters = template(file)["Parameters"]
        required = {name for name, parameter in parameters.items() if "Default" not in parameter}
        assert (required - given, given - set(parameters)) == (set(), set()), file
