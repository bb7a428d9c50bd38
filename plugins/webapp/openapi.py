"""/openapi.json: the API in OpenAPI 3.1, made from metadata.yml and the columns of the tables."""

import json
from typing import Any

from webapp.answers import OPTIONS, header_name
from webapp.build import DATABASE
from webapp.parameters import FLAGS, Parameter
from webapp.questions import Question, all_questions
from webapp.refusals import CASES, Said
from webapp.routing import Asked, Route

Schema = dict[str, Any]
_CONTENT = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "txt": "text/plain",
    "aria2": "text/plain",
}
_REFUSAL: Schema = {
    "type": "object",
    "required": ["ok", "error", "errors", "status", "case", "docs"],
    "properties": {
        "ok": {"const": False},
        "error": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "string"}},
        "status": {"type": "integer"},
        "case": {"enum": list(CASES)},
        "docs": {"type": "string"},
        "near": {"type": "array", "items": {"type": "string"}, "description": "Names that may have been meant."},
    },
}
_LABELS: Schema = {
    "Availability-Build": {"description": "Id of the build that answers.", "schema": {"type": "string"}},
    "Availability-Built-At": {
        "description": "When its newest fact was recorded, UTC.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
_HEADERS: Schema = {
    **_LABELS,
    "Availability-Rows": {"description": "Number of rows.", "schema": {"type": "integer"}},
    "Availability-Note": {"description": "Why there are no rows, as the field note.", "schema": {"type": "string"}},
    "Availability-Truncated": {"description": "true where there are more rows.", "schema": {"const": "true"}},
    "Link": {"description": 'Where the rest is, rel="next".', "schema": {"type": "string"}},
    "ETag": {"description": "Send it back as If-None-Match to get 304.", "schema": {"type": "string"}},
}


def document(asked: Asked) -> Said:
    """Return the whole document."""
    quotes = [
        str(row[0]) for row in asked.con.execute("SELECT DISTINCT quote FROM symbols WHERE quote <> '' ORDER BY 1")
    ]
    paths = {
        f"/{DATABASE}/{question.name}.{form}": {"get": _operation(question, form, quotes)}
        for question in all_questions()
        for form in OPTIONS
        if form not in ("txt", "aria2") or question.name == "manifest"
    }
    told = {
        "openapi": "3.1.0",
        "info": {
            "title": "Market data availability",
            "version": asked.build.code_version,
            "description": asked.build.attribution,
            "license": {"name": asked.build.license},
        },
        "servers": [{"url": asked.origin}],
        "paths": paths,
        "components": {"schemas": {"Refusal": _REFUSAL, **{each.name: _row(each) for each in all_questions()}}},
    }
    return Said(json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8")


def _operation(question: Question, form: str, quotes: list[str]) -> Schema:
    refused = "application/json" if form in ("json", "ndjson") else "text/plain"
    schema = {"$ref": "#/components/schemas/Refusal"} if refused == "application/json" else {"type": "string"}
    wrong = {"content": {refused: {"schema": schema}}, "headers": _LABELS}
    return {
        "operationId": f"{question.name}_{form}",
        "summary": question.title,
        "description": question.description,
        "parameters": [_parameter(each, quotes) for each in (*question.parameters, *OPTIONS[form])],
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": {**_HEADERS, **_totals(question)},
                "content": _answer(question, form),
            },
            "204": {"description": "No rows, and nodata=204.", "headers": _LABELS},
            "304": {"description": "You have it.", "headers": _HEADERS},
            "400": {"description": "The question is wrong.", **wrong},
            "404": {"description": "No such symbol, or no rows and nodata=404.", **wrong},
            "405": {"description": "Anything but GET, HEAD and OPTIONS; Allow names these.", **wrong},
            "409": {"description": "Another build answers now than the one that the question names.", **wrong},
            "414": {"description": "The question is too long.", **wrong},
            "503": {"description": "It takes too long, or the published file cannot be read.", **wrong},
        },
    }


def _totals(question: Question) -> Schema:
    """Describe the headers with the totals of an answer."""
    names = ("rows", *question.totals) if question.totals else ()
    return {
        f"Availability-Total-{header_name(name)}": {
            "description": f"Sum of {name} over all rows, those of other pages too.",
            "schema": {"type": "integer"},
        }
        for name in names
    }


def _parameter(parameter: Parameter, quotes: list[str]) -> Schema:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "required": parameter.required,
        "schema": _schema(parameter, quotes),
    }


def _schema(parameter: Parameter, quotes: list[str]) -> Schema:
    """Describe a value; the empty one is the default of all that are not required."""
    whole: Schema = {"type": "string", "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]*$"}
    match parameter.kind:
        case "day":
            whole = {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        case "integer" | "number":
            whole = {"type": parameter.kind, "minimum": parameter.least, "maximum": parameter.most}
            return whole if not parameter.default else {**whole, "default": json.loads(parameter.default)}
        case "flag":
            whole = {"type": "string", "enum": list(FLAGS)}
        case "choice":
            whole = {"type": "string", "enum": list(parameter.choices)}
        case "quote":
            whole = {"type": "string", "enum": quotes}
    if parameter.required:
        return {**whole, "minLength": 1}
    empty = {"const": ""}
    return {"anyOf": [whole, empty], **({"default": parameter.default} if parameter.default else {})}


def _answer(question: Question, form: str) -> Schema:
    """Return the content of a 200 by its type; lines of JSON may be had by _nl as well."""
    text = {"schema": {"type": "string"}}
    if form != "json":
        return {_CONTENT[form]: text}
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{question.name}"}}
    around = {
        "type": "object",
        "required": ["ok", "build_id", "built_at", "columns", "row_count", "truncated", "next", "rows"],
        "properties": {
            "ok": {"const": True},
            "build_id": {"type": "string"},
            "built_at": {"type": "string", "format": "date-time"},
            "license": {"type": ["string", "null"], "description": "Null of what the vault holds."},
            "attribution": {"type": "string"},
            "parameters": {"type": "object"},
            "columns": {"type": "array", "items": {"type": "string"}},
            "row_count": {"type": "integer"},
            "totals": {"type": "object", "additionalProperties": {"type": "integer"}},
            "note": {"type": "string", "description": "Why there are no rows, of days without any file yet."},
            "truncated": {"type": "boolean"},
            "next": {"type": ["string", "null"]},
            "rows": {"anyOf": [rows, {"type": "array", "items": {"type": "array"}}]},
        },
    }
    return {_CONTENT["json"]: {"schema": {"anyOf": [around, rows]}}, _CONTENT["ndjson"]: text}


def _row(question: Question) -> Schema:
    return {
        "type": "object",
        "required": [each.name for each in question.columns],
        "properties": {
            each.name: {"type": [each.type, "null"], "description": each.description} for each in question.columns
        },
    }


ROUTES = [Route(r"/openapi\.json$", document)]
