"""Reads Authentication-Results with the authres of Debian: values as lines of JSON in, what they say as JSON out."""

import json
import sys

import authres


def answer(value):
    header = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + value)
    return {
        "id": header.authserv_id,
        "version": header.version,
        "results": [
            {
                "method": result.method,
                "result": result.result,
                "properties": [
                    {"name": f"{field.type}.{field.name}", "value": field.value, "comment": field.comment}
                    for field in result.properties
                ],
                "comment": result.result_comment,
            }
            for result in header.results
        ],
    }


for line in sys.stdin:
    try:
        print(json.dumps({"answer": answer(json.loads(line))}))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
