import Engine
import Fakes
import Migration
import TextProcessing

/// Three records as the version before the payload key `source` wrote them: ids, checksums and profile are literals.
///
/// They were computed without this program's code (UUIDv5 and SHA-256 by the written rules), so that nothing that the program
/// changes in the way it shapes points goes unnoticed.
enum CollectionBeforeSources {
    static let rows = World.rows(3)

    /// Ids and payloads.
    static var points: [(id: PointID, payload: [String: JSONValue])] {
        stored.compactMap { text, payload in PointID(text).map { ($0, payload) } }
    }

    private static let stored: [(String, [String: JSONValue])] = [
        (
            "d6767699-4e74-5f5a-960e-0c45355422a6",
            [
                "type": "parent",
                "summary_id": 9_007_199_254_740_993,
                "member_code": "member-0",
                "collection_ids": [],
                "checksum": "7f5109957330fd26da8c76ba51a139f4217b685353d3723bdb23b9f28d51364e",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_text": "Record 0 tells of subject 0 and of nothing else.",
            ]
        ),
        (
            "7b779972-6c7e-5fd9-b5fa-48c0444e7dd7",
            [
                "type": "child",
                "summary_id": 9_007_199_254_740_993,
                "member_code": "member-0",
                "collection_ids": [],
                "checksum": "7f5109957330fd26da8c76ba51a139f4217b685353d3723bdb23b9f28d51364e",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_id": "d6767699-4e74-5f5a-960e-0c45355422a6",
                "chunk_index": 0,
                "text": "Record 0 tells of subject 0 and of nothing else.",
            ]
        ),
        (
            "631a3b10-eb3a-5a65-9862-a55ce1ab53ea",
            [
                "type": "parent",
                "summary_id": 9_007_199_254_741_000,
                "member_code": "member-1",
                "collection_ids": [4, 5],
                "checksum": "65e3221d765e14d594cb1605c9d329668c090186c3633b3f92e20626a4c92128",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_text": "Record 1 tells of subject 31 and of nothing else.",
            ]
        ),
        (
            "51429245-7b6b-500d-9f2e-fa0456b6c116",
            [
                "type": "child",
                "summary_id": 9_007_199_254_741_000,
                "member_code": "member-1",
                "collection_ids": [4, 5],
                "checksum": "65e3221d765e14d594cb1605c9d329668c090186c3633b3f92e20626a4c92128",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_id": "631a3b10-eb3a-5a65-9862-a55ce1ab53ea",
                "chunk_index": 0,
                "text": "Record 1 tells of subject 31 and of nothing else.",
            ]
        ),
        (
            "7d83481b-95ee-55b2-9da2-3ec35222d0dc",
            [
                "type": "parent",
                "summary_id": 9_007_199_254_741_007,
                "member_code": "member-2",
                "collection_ids": [9_007_199_254_740_993],
                "checksum": "41c6f5ce1689f8f22ef92b277865c9a14a30a2e8af87bc7b16116abe438cdf52",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_text": "Record 2 tells of subject 62 and of nothing else.",
            ]
        ),
        (
            "4b593ae2-68ad-5d3d-8e7b-5789bb731e21",
            [
                "type": "child",
                "summary_id": 9_007_199_254_741_007,
                "member_code": "member-2",
                "collection_ids": [9_007_199_254_740_993],
                "checksum": "41c6f5ce1689f8f22ef92b277865c9a14a30a2e8af87bc7b16116abe438cdf52",
                "profile": "ab0e1dc03fe3e951",
                "parent_idx": 0,
                "parent_id": "7d83481b-95ee-55b2-9da2-3ec35222d0dc",
                "chunk_index": 0,
                "text": "Record 2 tells of subject 62 and of nothing else.",
            ]
        ),
    ]
}
