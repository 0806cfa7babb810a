from analysis.aws import iam_policy


def statements(**options) -> dict[str, tuple[list[str], str]]:
    made = iam_policy.minimal_policy(**options)
    assert made["Version"] == "2012-10-17"
    assert {statement["Effect"] for statement in made["Statement"]} <= {"Allow"}
    return {statement["Sid"]: (statement["Action"], statement["Resource"]) for statement in made["Statement"]}


def test_policy_allows_only_required_actions():
    assert statements() == {}
    assert statements(operations=["DetectText", "DetectLabels"]) == {
        "Recognize": (["rekognition:DetectLabels", "rekognition:DetectText"], "*")
    }
    assert statements(bucket="pictures", prefix="/library/", reads_quotas=True) == {
        "FindPictures": (["s3:ListBucket", "s3:ListBucketVersions"], "arn:aws:s3:::pictures"),
        "KeepPictures": (
            [
                *("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"),
                *("s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"),
            ],
            "arn:aws:s3:::pictures/library/*",
        ),
        "ReadQuotas": (["servicequotas:ListServiceQuotas"], "*"),
    }


def test_partition_follows_region():
    assert statements(bucket="b", region="us-gov-west-1")["KeepPictures"][1] == "arn:aws-us-gov:s3:::b/*"
    assert statements(bucket="b", region="cn-north-1")["FindPictures"][1] == "arn:aws-cn:s3:::b"
    assert statements(bucket="b", region="eu-central-1")["FindPictures"][1] == "arn:aws:s3:::b"
