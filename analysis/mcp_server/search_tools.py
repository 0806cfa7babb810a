"""Tools that search and read: images, the search language, saved searches."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field

from analysis import permissions
from analysis.api import images, searches
from analysis.api.errors import ApiError
from analysis.api.image_resource import resource, selection_of
from analysis.api.request_body import RequestBody, RowId
from analysis.ingest.validation import InvalidImage
from analysis.mcp_server.tool import Preview, Tool, ToolResult
from analysis.models import Image
from analysis.search import results
from analysis.search.syntax.parser import MAX_LENGTH, parse
from analysis.search.time_limit import time_limit
from analysis.storage import blobs, renditions
from analysis.web.library.search_help import EXAMPLES
from imagelib.accounts.models import ApiToken

MAX_IMAGES = 50
FIELDS = "filename,title,owner,taken_at,place,width,height,visibility,urls"
MAX_CURSOR = 2_000
QueryText = Annotated[str, Field(max_length=MAX_LENGTH, description="A search in imagelib's search language.")]
CursorText = Annotated[str, Field(max_length=MAX_CURSOR, description="“next” of the previous page.")]


class SearchArguments(RequestBody):
    query: QueryText = ""
    cursor: CursorText = ""
    limit: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 20


class ExplainArguments(RequestBody):
    query: QueryText


class NoArguments(RequestBody):
    pass


class ImageArguments(RequestBody):
    image_id: RowId
    preview: Annotated[bool, Field(description="Also the picture itself, small.")] = False


class PageArguments(RequestBody):
    cursor: CursorText = ""
    limit: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 20


def search_images(request: HttpRequest, arguments: SearchArguments) -> ToolResult:
    query, selection = parse(arguments.query), selection_of(FIELDS, "labels")
    page = images.image_page(request, query, selection, cursor=arguments.cursor, limit=arguments.limit, is_counted=True)
    return ToolResult({**page, "items": [_brief(item) for item in page["items"]]})


def explain_search(request: HttpRequest, arguments: ExplainArguments) -> ToolResult:
    with time_limit():
        search = results.Search(parse(arguments.query), permissions.viewer_of(request.user))
        resolved, total = search.resolved, search.count()
    return ToolResult(
        {
            "searched_as": resolved.query.text,
            "terms": [{"term": part.write(), "meaning": part.describe()} for part in resolved.query.parts],
            "words_read_as": [
                {"typed": meaning.text, "searched_as": meaning.part.write() if meaning.part else None}
                for meaning in resolved.meanings
            ],
            "sort": resolved.query.sort,
            "count": min(total, results.COUNT_CAP),
            "is_count_capped": total > results.COUNT_CAP,
        }
    )


def describe_search(_request: HttpRequest, _arguments: NoArguments) -> ToolResult:
    return ToolResult(
        {
            "rules": _(
                "All terms of a search must match. OR combines alternatives, a minus sign excludes, parentheses group, "
                "and words in quotes are searched exactly. Labels may have a confidence in percent."
            ),
            "examples": [{"query": example.query, "meaning": str(example.meaning)} for example in EXAMPLES],
        }
    )


def get_image(request: HttpRequest, arguments: ImageArguments) -> ToolResult:
    image = permissions.get_image_or_404(request.user, arguments.image_id)
    values = resource(image, request, selection_of("", "labels"))
    return ToolResult(values, _preview(image) if arguments.preview else None)


def list_saved_searches(request: HttpRequest, arguments: PageArguments) -> ToolResult:
    page = searches.list_searches(request, cursor=arguments.cursor, limit=arguments.limit)
    return ToolResult({**page, "items": [item.model_dump() for item in page["items"]]})


def _preview(image: Image) -> Preview:
    # The thumbnail, since models read pictures of this size, and users pay for each pixel.
    try:
        with renditions.read(image, "thumb") as file:
            return Preview(file.read(), blobs.RENDITIONS["thumb"])
    except InvalidImage as error:
        raise ApiError(409, _("The picture cannot be shown: its file is damaged.")) from error
    except blobs.StorageError as error:  # whose message names bucket and key
        raise ApiError(409, _("The picture cannot be shown: its file can't be read.")) from error


def _brief(item: dict[str, Any]) -> dict[str, Any]:
    """The image with only the URL of its page, and short labels.

    Users pay for each word that a model reads.
    """
    labels = [{name: label[name] for name in ("id", "name", "confidence", "verdict")} for label in item["labels"]]
    return {**item, "urls": {"page": item["urls"]["page"]}, "labels": labels}


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "search_images",
        "Search the picture library. Returns pictures with their labels, and “next”, the cursor of the following page. "
        "Call describe_search first to learn the search language.",
        SearchArguments,
        ApiToken.Scope.READ,
        search_images,
    ),
    Tool(
        "explain_search",
        "How a search is understood: what each term means, which labels words stand for, and how many pictures match.",
        ExplainArguments,
        ApiToken.Scope.READ,
        explain_search,
    ),
    Tool(
        "describe_search",
        "The rules of the search language, with examples.",
        NoArguments,
        ApiToken.Scope.READ,
        describe_search,
    ),
    Tool(
        "get_image",
        "All details of one picture with its labels; with preview also the picture itself, small.",
        ImageArguments,
        ApiToken.Scope.READ,
        get_image,
    ),
    Tool(
        "list_saved_searches",
        "The saved searches of this person, and shared ones.",
        PageArguments,
        ApiToken.Scope.READ,
        list_saved_searches,
    ),
)
