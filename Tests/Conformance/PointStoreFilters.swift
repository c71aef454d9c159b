/// Filters, queries and what Qdrant finds with them: for the stand-in and for Qdrant's engine, over REST.
///
/// It keeps the stand-in from meaning something else than Qdrant by the same words.
package enum PointStoreFilters {
    /// The body that creates the collection.
    package static let collection = """
        {"vectors": {"d": {"size": 2, "distance": "Cosine"}}, "sparse_vectors": {"s": {"modifier": "idf"}},
         "strict_mode_config": {"enabled": false}}
        """

    /// The body that makes an index, for one of the fields.
    package static let index = #"{"field_name": "tag", "field_schema": "keyword"}"#

    /// The body that writes the points.
    package static let points = """
        {"points": [
          {"id": 1, "vector": {"d": [1, 0], "s": {"indices": [9, 1], "values": [1, 1]}},
           "payload": {"tag": "a", "n": 1, "list": [1, 2], "deep": {"x": 1}}},
          {"id": 2, "vector": {"d": [0.9, 0.1], "s": {"indices": [1], "values": [2]}},
           "payload": {"tag": "b", "n": 2.5, "list": []}},
          {"id": 3, "vector": {"d": [0, 1]}, "payload": {"tag": ["a", "c"], "n": 9007199254740993, "list": null}},
          {"id": 4, "vector": {}, "payload": {"n": "2.5", "tag": null}},
          {"id": "00000000-0000-0000-0000-00000000000a", "vector": {"s": {"indices": [9], "values": [3]}}}
        ]}
        """

    /// A filter and the ids it finds, as text.
    package struct Filter: Sendable, CustomStringConvertible {
        package let json: String
        package let found: [String]
        package var description: String { json }
    }

    /// A query and the ids it finds, best first.
    package static let queries = [
        Filter(json: #"{"query": [1, 0], "using": "d", "limit": 2}"#, found: ["1", "2"]),
        Filter(json: #"{"query": {"nearest": [0, 1]}, "using": "d"}"#, found: ["3", "2", "1"]),
        Filter(json: #"{"query": {"indices": [9], "values": [1]}, "using": "s"}"#, found: [last, "1"]),
        Filter(json: #"{"query": {"indices": [5], "values": [1]}, "using": "s"}"#, found: []),
        Filter(json: #"{"query": [1, 0], "using": "d", "filter": {"must_not": {"has_id": [1]}}}"#, found: ["2", "3"]),
        Filter(json: #"{"query": [1, 0], "using": "d", "limit": 1, "offset": 1}"#, found: ["2"]),
        Filter(json: #"{"query": [1, 0], "using": "d", "score_threshold": 0.5}"#, found: ["1", "2"]),
        Filter(
            json: """
                {"prefetch": [{"query": [1, 0], "using": "d"}, {"query": {"indices": [9], "values": [1]}, "using": "s"}],
                 "query": {"fusion": "rrf"}, "limit": 3}
                """,
            found: ["1", last, "2"]
        ),
        Filter(
            json: """
                {"prefetch": [{"query": [1, 0], "using": "d"}, {"query": {"indices": [9], "values": [1]}, "using": "s"}],
                 "query": {"fusion": "rrf"}, "filter": {"must": [{"has_id": [2, 3]}]}}
                """,
            found: ["2", "3"]
        ),
    ]

    /// What each filter finds, ascending.
    package static let filters = [
        Filter(json: "{}", found: ["1", "2", "3", "4", last]),
        Filter(json: #"{"must": [{"key": "tag", "match": {"value": "a"}}]}"#, found: ["1", "3"]),
        Filter(json: #"{"must": {"key": "tag", "match": {"any": ["b", "c"]}}}"#, found: ["2", "3"]),
        Filter(json: #"{"must": [{"key": "tag", "match": {"except": ["a"]}}]}"#, found: ["2", "3"]),
        Filter(json: #"{"must_not": [{"key": "tag", "match": {"value": "a"}}]}"#, found: ["2", "4", last]),
        Filter(json: #"{"must": [{"key": "n", "match": {"value": 9007199254740993}}]}"#, found: ["3"]),
        Filter(json: #"{"must": [{"key": "n", "match": {"value": 9007199254740992}}]}"#, found: []),
        Filter(json: #"{"must": [{"key": "list", "match": {"value": 2}}]}"#, found: ["1"]),
        Filter(json: #"{"must": [{"key": "deep.x", "match": {"value": 1}}]}"#, found: ["1"]),
        Filter(json: #"{"must": [{"key": "n", "range": {"gte": 1, "lt": 2.6}}]}"#, found: ["1", "2"]),
        Filter(json: #"{"must": [{"key": "n", "range": {"gt": 1}}]}"#, found: ["2", "3"]),
        Filter(json: #"{"must": [{"is_empty": {"key": "list"}}]}"#, found: ["2", "3", "4", last]),
        Filter(json: #"{"must": [{"is_null": {"key": "list"}}]}"#, found: ["3"]),
        Filter(json: #"{"must": [{"is_empty": {"key": "tag"}}]}"#, found: ["4", last]),
        Filter(json: #"{"must": [{"has_id": [1, "\#(last)", 77]}]}"#, found: ["1", last]),
        Filter(
            json: #"{"should": [{"key": "n", "match": {"value": 1}}, {"key": "tag", "match": {"value": "b"}}]}"#,
            found: ["1", "2"]
        ),
        Filter(
            json:
                #"{"must": [{"key": "tag", "match": {"value": "a"}}], "should": [{"key": "n", "match": {"value": 1}}]}"#,
            found: ["1"]
        ),
        Filter(
            json:
                #"{"must": [{"must_not": [{"has_id": [1, 2]}]}, {"must": [{"key": "tag", "match": {"value": "a"}}]}]}"#,
            found: ["3"]
        ),
    ]

    private static let last = "00000000-0000-0000-0000-00000000000a"
}
