// Longer than 300 lines: generated from Qdrant's OpenAPI 1.19 by scripts/support/qdrant-shapes.py. Do not edit.

/// The requests that Qdrant's interface allows, in the notation of `Shape`.
enum QdrantShapes {
    /// Routes with a body: method, path and the name of its shape; without a body, `-`.
    static let routes = """
        PUT /collections/{collection_name}/shards CreateShardingKey
        GET /collections/{collection_name}/shards -
        POST /collections/{collection_name}/shards/delete DropShardingKey
        GET / -
        GET /telemetry -
        GET /metrics -
        GET /healthz -
        GET /livez -
        GET /readyz -
        GET /issues -
        DELETE /issues -
        GET /cluster -
        GET /cluster/telemetry -
        POST /cluster/recover -
        DELETE /cluster/peer/{peer_id} -
        GET /quotas -
        PUT /quotas QuotaConfig
        GET /collections -
        GET /collections/{collection_name} -
        PUT /collections/{collection_name} CreateCollection
        PATCH /collections/{collection_name} UpdateCollection
        DELETE /collections/{collection_name} -
        POST /collections/aliases ChangeAliasesOperation
        PUT /collections/{collection_name}/index CreateFieldIndex
        GET /collections/{collection_name}/exists -
        DELETE /collections/{collection_name}/index/{field_name} -
        PUT /collections/{collection_name}/vectors/{vector_name} VectorNameConfig
        DELETE /collections/{collection_name}/vectors/{vector_name} -
        GET /collections/{collection_name}/cluster -
        POST /collections/{collection_name}/cluster ClusterOperations
        GET /collections/{collection_name}/optimizations -
        GET /collections/{collection_name}/aliases -
        GET /aliases -
        POST /collections/{collection_name}/snapshots/upload form
        PUT /collections/{collection_name}/snapshots/recover SnapshotRecover
        GET /collections/{collection_name}/snapshots -
        POST /collections/{collection_name}/snapshots -
        DELETE /collections/{collection_name}/snapshots/{snapshot_name} -
        GET /collections/{collection_name}/snapshots/{snapshot_name} -
        GET /snapshots -
        POST /snapshots -
        DELETE /snapshots/{snapshot_name} -
        GET /snapshots/{snapshot_name} -
        GET /collections/{collection_name}/shards/{shard_id}/snapshot -
        POST /collections/{collection_name}/shards/{shard_id}/snapshots/upload form
        PUT /collections/{collection_name}/shards/{shard_id}/snapshots/recover ShardSnapshotRecover
        GET /collections/{collection_name}/shards/{shard_id}/snapshots -
        POST /collections/{collection_name}/shards/{shard_id}/snapshots -
        DELETE /collections/{collection_name}/shards/{shard_id}/snapshots/{snapshot_name} -
        GET /collections/{collection_name}/shards/{shard_id}/snapshots/{snapshot_name} -
        GET /collections/{collection_name}/points/{id} -
        POST /collections/{collection_name}/points PointRequest
        PUT /collections/{collection_name}/points PointInsertOperations
        POST /collections/{collection_name}/points/delete PointsSelector
        PUT /collections/{collection_name}/points/vectors UpdateVectors
        POST /collections/{collection_name}/points/vectors/delete DeleteVectors
        POST /collections/{collection_name}/points/payload SetPayload
        PUT /collections/{collection_name}/points/payload SetPayload
        POST /collections/{collection_name}/points/payload/delete DeletePayload
        POST /collections/{collection_name}/points/payload/clear PointsSelector
        POST /collections/{collection_name}/points/batch UpdateOperations
        POST /collections/{collection_name}/points/scroll ScrollRequest
        POST /collections/{collection_name}/points/count CountRequest
        POST /collections/{collection_name}/facet FacetRequest
        POST /collections/{collection_name}/points/query QueryRequest
        POST /collections/{collection_name}/points/query/batch QueryRequestBatch
        POST /collections/{collection_name}/points/query/groups QueryGroupsRequest
        POST /collections/{collection_name}/points/search/matrix/pairs SearchMatrixRequest
        POST /collections/{collection_name}/points/search/matrix/offsets SearchMatrixRequest
        """

    /// The shapes by name.
    static let shapes = """
        AbortResharding = {* any}
        AbortReshardingOperation = {abort_resharding!: AbortResharding}
        AbortShardTransfer = {shard_id!: uint 0..4294967295, to_peer_id!: uint, from_peer_id!: uint}
        AbortTransferOperation = {abort_transfer!: AbortShardTransfer}
        AbsExpression = {abs!: Expression}
        AcornSearchParams = {enable: bool, max_selectivity: float 0..1?}
        AliasOperations = CreateAliasOperation | DeleteAliasOperation | RenameAliasOperation
        AnyVariants = [string] | [int]
        Batch = {ids!: [ExtendedPointId], vectors!: BatchVectorStruct, payloads: [Payload?]?}
        BatchVectorStruct = [[float]] | [[[float]]] | {* [Vector]} | [Document] | [Image] | [InferenceObject]
        BinaryQuantization = {binary!: BinaryQuantizationConfig}
        BinaryQuantizationConfig = {always_ram: bool?, memory: Memory?, encoding: BinaryQuantizationEncoding?, query_encoding: BinaryQuantizationQueryEncoding?}
        BinaryQuantizationEncoding = 'one_bit' 'two_bits' 'one_and_half_bits'
        BinaryQuantizationQueryEncoding = 'default' 'binary' 'scalar4bits' 'scalar8bits'
        Bm25Config = {k: float, b: float, avg_len: float, tokenizer: TokenizerType, language: string?, lowercase: bool?, ascii_folding: bool?, stopwords: StopwordsInterface?, stemmer: StemmingAlgorithm?, min_token_len: uint?, max_token_len: uint?}
        BoolIndexParams = {type!: BoolIndexType, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        BoolIndexType = 'bool'
        ChangeAliasesOperation = {actions!: [AliasOperations]}
        ClearPayloadOperation = {clear_payload!: PointsSelector}
        ClusterOperations = MoveShardOperation | ReplicateShardOperation | AbortTransferOperation | DropReplicaOperation | CreateShardingKeyOperation | DropShardingKeyOperation | RestartTransferOperation | StartReshardingOperation | AbortReshardingOperation | ReplicatePointsOperation
        CollectionParamsDiff = {replication_factor: uint 1..4294967295?, write_consistency_factor: uint 1..4294967295?, read_fan_out_factor: uint 0..4294967295?, read_fan_out_delay_ms: uint?, on_disk_payload: bool?, payload: PayloadStorageParams?}
        CompressionRatio = 'x4' 'x8' 'x16' 'x32' 'x64'
        Condition = FieldCondition | IsEmptyCondition | IsNullCondition | HasIdCondition | HasVectorCondition | SliceCondition | NestedCondition | Filter
        ContextInput = (ContextPair | [ContextPair])?
        ContextPair = {positive!: VectorInput, negative!: VectorInput}
        ContextQuery = {context!: ContextInput}
        CountRequest = {shard_key: ShardKeySelector?, filter: Filter?, exact: bool}
        CreateAlias = {collection_name!: string, alias_name!: string}
        CreateAliasOperation = {create_alias!: CreateAlias}
        CreateCollection = {vectors: VectorsConfig, shard_number: uint 1..4294967295?, sharding_method: ShardingMethod?, replication_factor: uint 1..4294967295?, write_consistency_factor: uint 1..4294967295?, on_disk_payload: bool?, payload: PayloadStorageParams?, hnsw_config: HnswConfigDiff?, wal_config: WalConfigDiff?, optimizers_config: OptimizersConfigDiff?, quantization_config: QuantizationConfig?, sparse_vectors: {* SparseVectorParams}?, strict_mode_config: StrictModeConfig?, metadata: Payload?}
        CreateFieldIndex = {field_name!: string, field_schema: PayloadFieldSchema?}
        CreateShardingKey = {shard_key!: ShardKey, shards_number: uint 1..4294967295?, replication_factor: uint 1..4294967295?, placement: [uint]?, initial_state: ReplicaState?}
        CreateShardingKeyOperation = {create_sharding_key!: CreateShardingKey}
        Datatype = 'float32' 'uint8' 'float16' 'turbo4'
        DatetimeExpression = {datetime!: string}
        DatetimeIndexParams = {type!: DatetimeIndexType, is_principal: bool?, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        DatetimeIndexType = 'datetime'
        DatetimeKeyExpression = {datetime_key!: string}
        DatetimeRange = {lt: datetime?, gt: datetime?, gte: datetime?, lte: datetime?}
        DecayParamsExpression = {x!: Expression, target: Expression?, scale: float?, midpoint: float?}
        DeleteAlias = {alias_name!: string}
        DeleteAliasOperation = {delete_alias!: DeleteAlias}
        DeleteOperation = {delete!: PointsSelector}
        DeletePayload = {keys!: [string], points: [ExtendedPointId]?, filter: Filter?, shard_key: ShardKeySelector?}
        DeletePayloadOperation = {delete_payload!: DeletePayload}
        DeleteVectors = {points: [ExtendedPointId]?, filter: Filter?, vector!: [string] 1.., shard_key: ShardKeySelector?}
        DeleteVectorsOperation = {delete_vectors!: DeleteVectors}
        DenseVectorConfig = {size!: uint 1..65536, distance!: Distance, multivector_config: MultiVectorConfig?, datatype: VectorStorageDatatype?}
        DenseVectorNameConfig = {dense!: DenseVectorConfig}
        Direction = 'asc' 'desc'
        Disabled = 'Disabled'
        DisabledStemmerParams = {type!: NoStemmer}
        DiscoverInput = {target!: VectorInput, context!: (ContextPair | [ContextPair])?}
        DiscoverQuery = {discover!: DiscoverInput}
        Distance = 'Cosine' 'Euclid' 'Dot' 'Manhattan'
        DivExpression = {div!: DivParams}
        DivParams = {left!: Expression, right!: Expression, by_zero_default: float?}
        Document = {text!: string, model!: string 1.., options: DocumentOptions?}
        DocumentOptions = {* any} | Bm25Config
        DropReplicaOperation = {drop_replica!: Replica}
        DropShardingKey = {shard_key!: ShardKey}
        DropShardingKeyOperation = {drop_sharding_key!: DropShardingKey}
        ExpDecayExpression = {exp_decay!: DecayParamsExpression}
        ExpExpression = {exp!: Expression}
        Expression = float | string | Condition | GeoDistance | DatetimeExpression | DatetimeKeyExpression | MultExpression | SumExpression | NegExpression | AbsExpression | DivExpression | SqrtExpression | PowExpression | ExpExpression | Log10Expression | LnExpression | LinDecayExpression | ExpDecayExpression | GaussDecayExpression
        ExtendedPointId = uint | uuid
        FacetRequest = {shard_key: ShardKeySelector?, key!: string, limit: uint 1..?, filter: Filter?, exact: bool?}
        FeedbackItem = {example!: VectorInput, score!: float}
        FeedbackStrategy = NaiveFeedbackStrategy
        FieldCondition = {key!: string, match: Match?, range: RangeInterface?, geo_bounding_box: GeoBoundingBox?, geo_radius: GeoRadius?, geo_polygon: GeoPolygon?, values_count: ValuesCount?, is_empty: bool?, is_null: bool?}
        Filter = {= should: (Condition | [Condition])?, min_should: MinShould?, must: (Condition | [Condition])?, must_not: (Condition | [Condition])?}
        FilterSelector = {filter!: Filter, shard_key: ShardKeySelector?}
        FloatIndexParams = {type!: FloatIndexType, is_principal: bool?, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        FloatIndexType = 'float'
        FormulaQuery = {formula!: Expression, defaults: {* any}}
        Fusion = 'rrf' 'dbsf'
        FusionQuery = {fusion!: Fusion}
        GaussDecayExpression = {gauss_decay!: DecayParamsExpression}
        GeoBoundingBox = {top_left!: GeoPoint, bottom_right!: GeoPoint}
        GeoDistance = {geo_distance!: GeoDistanceParams}
        GeoDistanceParams = {origin!: GeoPoint, to!: string}
        GeoIndexParams = {type!: GeoIndexType, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        GeoIndexType = 'geo'
        GeoLineString = {points!: [GeoPoint]}
        GeoPoint = {lon!: float, lat!: float}
        GeoPolygon = {exterior!: GeoLineString, interiors: [GeoLineString]?}
        GeoRadius = {center!: GeoPoint, radius!: float}
        HasIdCondition = {has_id!: [ExtendedPointId]}
        HasVectorCondition = {has_vector!: string}
        HnswConfigDiff = {m: uint?, ef_construct: uint 4..?, full_scan_threshold: uint 10..?, max_indexing_threads: uint?, on_disk: bool?, memory: Memory?, payload_m: uint?, inline_storage: bool?}
        IdfCorpusParams = {corpus!: Filter}
        IdfParams = IdfScope | IdfCorpusParams
        IdfScope = 'global'
        Image = {image!: any, model!: string 1.., options: {* any}?}
        InferenceObject = {object!: any, model!: string 1.., options: {* any}?}
        IntegerIndexParams = {type!: IntegerIndexType, lookup: bool?, range: bool?, is_principal: bool?, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        IntegerIndexType = 'integer'
        IsEmptyCondition = {is_empty!: PayloadField}
        IsNullCondition = {is_null!: PayloadField}
        KeywordIndexParams = {type!: KeywordIndexType, is_tenant: bool?, on_disk: bool?, memory: Memory?, enable_hnsw: bool?, prefix: bool?}
        KeywordIndexType = 'keyword'
        Language = 'arabic' 'azerbaijani' 'basque' 'bengali' 'catalan' 'chinese' 'danish' 'dutch' 'english' 'finnish' 'french' 'german' 'greek' 'hebrew' 'hinglish' 'hungarian' 'indonesian' 'italian' 'japanese' 'kazakh' 'nepali' 'norwegian' 'portuguese' 'romanian' 'russian' 'slovene' 'spanish' 'swedish' 'tajik' 'turkish'
        LinDecayExpression = {lin_decay!: DecayParamsExpression}
        LnExpression = {ln!: Expression}
        Log10Expression = {log10!: Expression}
        LookupLocation = {collection!: string, vector: string?, shard_key: ShardKeySelector?}
        Match = MatchValue | MatchText | MatchTextAny | MatchPhrase | MatchPrefix | MatchAny | MatchExcept
        MatchAny = {any!: AnyVariants}
        MatchExcept = {except!: AnyVariants}
        MatchPhrase = {phrase!: string}
        MatchPrefix = {prefix!: string}
        MatchText = {text!: string}
        MatchTextAny = {text_any!: string}
        MatchValue = {value!: ValueVariants}
        MaxOptimizationThreads = MaxOptimizationThreadsSetting | uint
        MaxOptimizationThreadsSetting = 'auto'
        Memory = 'cold' 'cached' 'pinned'
        MinShould = {conditions!: [Condition], min_count!: uint 1..}
        Mmr = {diversity: float 0..1?, candidates_limit: uint 0..16384?}
        Modifier = 'none' 'idf'
        MoveShard = {shard_id!: uint 0..4294967295, to_peer_id!: uint, from_peer_id!: uint, method: ShardTransferMethod?}
        MoveShardOperation = {move_shard!: MoveShard}
        MultExpression = {mult!: [Expression]}
        MultiVectorComparator = 'max_sim'
        MultiVectorConfig = {comparator!: MultiVectorComparator}
        NaiveFeedbackStrategy = {naive!: NaiveFeedbackStrategyParams}
        NaiveFeedbackStrategyParams = {a!: float, b!: float 0.., c!: float}
        NearestQuery = {nearest!: VectorInput, mmr: Mmr?}
        NegExpression = {neg!: Expression}
        Nested = {key!: string, filter!: Filter}
        NestedCondition = {nested!: Nested}
        NoStemmer = 'none'
        OptimizersConfigDiff = {deleted_threshold: float 0..1?, vacuum_min_vector_number: uint 100..?, default_segment_number: uint?, max_segment_size: uint 1..?, memmap_threshold: uint?, indexing_threshold: uint?, flush_interval_sec: uint?, max_optimization_threads: MaxOptimizationThreads?, prevent_unoptimized: bool?}
        OrderBy = {key!: string, direction: Direction?, start_from: StartFrom?}
        OrderByInterface = string | OrderBy
        OrderByQuery = {order_by!: OrderByInterface}
        OverwritePayloadOperation = {overwrite_payload!: SetPayload}
        Payload = {* any}
        PayloadField = {key!: string}
        PayloadFieldSchema = PayloadSchemaType | PayloadSchemaParams
        PayloadSchemaParams = KeywordIndexParams | IntegerIndexParams | FloatIndexParams | GeoIndexParams | TextIndexParams | BoolIndexParams | DatetimeIndexParams | UuidIndexParams
        PayloadSchemaType = 'keyword' 'integer' 'float' 'geo' 'text' 'bool' 'datetime' 'uuid'
        PayloadSelector = PayloadSelectorInclude | PayloadSelectorExclude
        PayloadSelectorExclude = {= exclude!: [string]}
        PayloadSelectorInclude = {= include!: [string]}
        PayloadStorageParams = {memory: Memory?}
        PointIdsList = {points!: [ExtendedPointId], shard_key: ShardKeySelector?}
        PointInsertOperations = PointsBatch | PointsList
        PointRequest = {shard_key: ShardKeySelector?, ids!: [ExtendedPointId], with_payload: WithPayloadInterface?, with_vector: WithVector}
        PointStruct = {id!: ExtendedPointId, vector!: VectorStruct, payload: Payload?}
        PointVectors = {id!: ExtendedPointId, vector!: VectorStruct}
        PointsBatch = {batch!: Batch, shard_key: ShardKeySelector?, update_filter: Filter?, update_mode: UpdateMode?}
        PointsList = {points!: [PointStruct], shard_key: ShardKeySelector?, update_filter: Filter?, update_mode: UpdateMode?}
        PointsSelector = PointIdsList | FilterSelector
        PowExpression = {pow!: PowParams}
        PowParams = {base!: Expression, exponent!: Expression}
        Prefetch = {prefetch: (Prefetch | [Prefetch])?, query: QueryInterface?, using: string?, filter: Filter?, params: SearchParams?, score_threshold: float?, limit: uint 1..?, lookup_from: LookupLocation?}
        ProductQuantization = {product!: ProductQuantizationConfig}
        ProductQuantizationConfig = {compression!: CompressionRatio, always_ram: bool?, memory: Memory?}
        QuantizationConfig = ScalarQuantization | ProductQuantization | BinaryQuantization | TurboQuantization
        QuantizationConfigDiff = ScalarQuantization | ProductQuantization | BinaryQuantization | TurboQuantization | Disabled
        QuantizationSearchParams = {ignore: bool, rescore: bool?, oversampling: float 1..?}
        Query = NearestQuery | RecommendQuery | DiscoverQuery | ContextQuery | OrderByQuery | FusionQuery | RrfQuery | FormulaQuery | SampleQuery | RelevanceFeedbackQuery
        QueryGroupsRequest = {shard_key: ShardKeySelector?, prefetch: (Prefetch | [Prefetch])?, query: QueryInterface?, using: string?, filter: Filter?, params: SearchParams?, score_threshold: float?, with_vector: WithVector?, with_payload: WithPayloadInterface?, lookup_from: LookupLocation?, group_by!: string 1.., group_size: uint 1..?, limit: uint 1..?, with_lookup: WithLookupInterface?}
        QueryInterface = VectorInput | Query
        QueryRequest = {shard_key: ShardKeySelector?, prefetch: (Prefetch | [Prefetch])?, query: QueryInterface?, using: string?, filter: Filter?, params: SearchParams?, score_threshold: float?, limit: uint 1..?, offset: uint?, with_vector: WithVector?, with_payload: WithPayloadInterface?, lookup_from: LookupLocation?}
        QueryRequestBatch = {searches!: [QueryRequest]}
        QuotaConfig = {enabled: bool, max_resident_memory_percent: uint 1..100?, max_disk_usage_percent: uint 1..100?, release_margin_percent: uint 0..100?}
        Range = {lt: float?, gt: float?, gte: float?, lte: float?}
        RangeInterface = Range | DatetimeRange
        RecommendInput = {positive: [VectorInput]?, negative: [VectorInput]?, strategy: RecommendStrategy?}
        RecommendQuery = {recommend!: RecommendInput}
        RecommendStrategy = 'average_vector' 'best_score' 'sum_scores'
        RelevanceFeedbackInput = {target!: VectorInput, feedback!: [FeedbackItem], strategy!: FeedbackStrategy}
        RelevanceFeedbackQuery = {relevance_feedback!: RelevanceFeedbackInput}
        RenameAlias = {old_alias_name!: string, new_alias_name!: string}
        RenameAliasOperation = {rename_alias!: RenameAlias}
        Replica = {shard_id!: uint 0..4294967295, peer_id!: uint}
        ReplicaState = 'Active' 'Dead' 'Partial' 'Initializing' 'Listener' 'PartialSnapshot' 'Recovery' 'Resharding' 'ReshardingScaleDown' 'ActiveRead' 'ManualRecovery'
        ReplicatePoints = {filter: Filter?, from_shard_key!: ShardKey, to_shard_key!: ShardKey}
        ReplicatePointsOperation = {replicate_points!: ReplicatePoints}
        ReplicateShard = {shard_id!: uint 0..4294967295, to_peer_id!: uint, from_peer_id!: uint, method: ShardTransferMethod?}
        ReplicateShardOperation = {replicate_shard!: ReplicateShard}
        ReshardingDirection = 'up' 'down'
        RestartTransfer = {shard_id!: uint 0..4294967295, from_peer_id!: uint, to_peer_id!: uint, method!: ShardTransferMethod}
        RestartTransferOperation = {restart_transfer!: RestartTransfer}
        Rrf = {k: uint 1..?, weights: [float]?}
        RrfQuery = {rrf!: Rrf}
        Sample = 'random'
        SampleQuery = {sample!: Sample}
        ScalarQuantization = {scalar!: ScalarQuantizationConfig}
        ScalarQuantizationConfig = {type!: ScalarType, quantile: float 0.5..1?, always_ram: bool?, memory: Memory?}
        ScalarType = 'int8'
        ScrollRequest = {shard_key: ShardKeySelector?, offset: ExtendedPointId?, limit: uint 1..?, filter: Filter?, with_payload: WithPayloadInterface?, with_vector: WithVector, order_by: OrderByInterface?}
        SearchMatrixRequest = {shard_key: ShardKeySelector?, filter: Filter?, sample: uint 2..?, limit: uint 1..?, using: string?}
        SearchParams = {hnsw_ef: uint 1..?, exact: bool, quantization: QuantizationSearchParams?, indexed_only: bool, acorn: AcornSearchParams?, idf: IdfParams?}
        SetPayload = {payload!: Payload, points: [ExtendedPointId]?, filter: Filter?, shard_key: ShardKeySelector?, key: string?}
        SetPayloadOperation = {set_payload!: SetPayload}
        ShardKey = string | uint
        ShardKeySelector = ShardKey | [ShardKey] | ShardKeyWithFallback
        ShardKeyWithFallback = {target!: ShardKey, fallback!: ShardKey}
        ShardSnapshotLocation = string | string
        ShardSnapshotRecover = {location!: ShardSnapshotLocation, priority: SnapshotPriority?, checksum: string?, api_key: string?}
        ShardTransferMethod = 'stream_records' 'snapshot' 'wal_delta' 'resharding_stream_records'
        ShardingMethod = 'auto' 'custom'
        Slice = {total!: uint 1..4294967295, index!: uint 0..4294967295}
        SliceCondition = {slice!: Slice}
        SnapshotPriority = 'no_sync' 'snapshot' 'replica'
        SnapshotRecover = {location!: string, priority: SnapshotPriority?, checksum: string?, api_key: string?}
        Snowball = 'snowball'
        SnowballLanguage = 'arabic' 'armenian' 'danish' 'dutch' 'english' 'finnish' 'french' 'german' 'greek' 'hungarian' 'italian' 'norwegian' 'portuguese' 'romanian' 'russian' 'spanish' 'swedish' 'tamil' 'turkish'
        SnowballParams = {type!: Snowball, language!: SnowballLanguage}
        SparseIndexParams = {full_scan_threshold: uint?, on_disk: bool?, memory: Memory?, datatype: Datatype?}
        SparseVector = {indices!: [uint 0..4294967295], values!: [float]}
        SparseVectorConfig = {modifier: Modifier?, datatype: VectorStorageDatatype?}
        SparseVectorNameConfig = {sparse!: SparseVectorConfig}
        SparseVectorParams = {index: SparseIndexParams?, modifier: Modifier?}
        SparseVectorsConfig = {* SparseVectorParams}
        SqrtExpression = {sqrt!: Expression}
        StartFrom = int | float | datetime
        StartResharding = {direction!: ReshardingDirection, peer_id: uint?, shard_key: ShardKey?}
        StartReshardingOperation = {start_resharding!: StartResharding}
        StemmingAlgorithm = SnowballParams | DisabledStemmerParams
        StopwordsInterface = Language | StopwordsSet
        StopwordsSet = {languages: [Language]?, custom: [string]?}
        StrictModeConfig = {enabled: bool?, max_query_limit: uint 1..?, max_timeout: uint 1..?, unindexed_filtering_retrieve: bool?, unindexed_filtering_update: bool?, search_max_hnsw_ef: uint?, search_allow_exact: bool?, search_max_oversampling: float?, upsert_max_batchsize: uint?, search_max_batchsize: uint?, max_collection_vector_size_bytes: uint?, read_rate_limit: uint 1..?, write_rate_limit: uint 1..?, max_collection_payload_size_bytes: uint?, max_points_count: uint 1..?, filter_max_conditions: uint?, condition_max_size: uint?, multivector_config: StrictModeMultivectorConfig?, sparse_config: StrictModeSparseConfig?, max_payload_index_count: uint?, max_resident_memory_percent: uint 1..100?}
        StrictModeMultivector = {max_vectors: uint 1..?}
        StrictModeMultivectorConfig = {* StrictModeMultivector}
        StrictModeSparse = {max_length: uint 1..?}
        StrictModeSparseConfig = {* StrictModeSparse}
        SumExpression = {sum!: [Expression]}
        TextIndexParams = {type!: TextIndexType, tokenizer: TokenizerType, min_token_len: uint?, max_token_len: uint?, lowercase: bool?, ascii_folding: bool?, phrase_matching: bool?, stopwords: StopwordsInterface?, on_disk: bool?, memory: Memory?, stemmer: StemmingAlgorithm?, enable_hnsw: bool?}
        TextIndexType = 'text'
        TokenizerType = 'prefix' 'whitespace' 'word' 'multilingual'
        TurboQuantBitSize = 'bits1' 'bits1_5' 'bits2' 'bits4'
        TurboQuantQuantizationConfig = {always_ram: bool?, memory: Memory?, bits: TurboQuantBitSize?}
        TurboQuantization = {turbo!: TurboQuantQuantizationConfig}
        UpdateCollection = {vectors: VectorsConfigDiff?, optimizers_config: OptimizersConfigDiff?, params: CollectionParamsDiff?, hnsw_config: HnswConfigDiff?, quantization_config: QuantizationConfigDiff?, sparse_vectors: SparseVectorsConfig?, strict_mode_config: StrictModeConfig?, metadata: Payload?}
        UpdateMode = 'upsert' 'insert_only' 'update_only'
        UpdateOperation = UpsertOperation | DeleteOperation | SetPayloadOperation | OverwritePayloadOperation | DeletePayloadOperation | ClearPayloadOperation | UpdateVectorsOperation | DeleteVectorsOperation
        UpdateOperations = {operations!: [UpdateOperation]}
        UpdateVectors = {points!: [PointVectors] 1.., shard_key: ShardKeySelector?, update_filter: Filter?}
        UpdateVectorsOperation = {update_vectors!: UpdateVectors}
        UpsertOperation = {upsert!: PointInsertOperations}
        UuidIndexParams = {type!: UuidIndexType, is_tenant: bool?, on_disk: bool?, memory: Memory?, enable_hnsw: bool?}
        UuidIndexType = 'uuid'
        ValueVariants = string | int | bool
        ValuesCount = {lt: uint?, gt: uint?, gte: uint?, lte: uint?}
        Vector = [float] | SparseVector | [[float]] | Document | Image | InferenceObject
        VectorInput = [float] | SparseVector | [[float]] | ExtendedPointId | Document | Image | InferenceObject
        VectorNameConfig = DenseVectorNameConfig | SparseVectorNameConfig
        VectorParams = {size!: uint 1.., distance!: Distance, hnsw_config: HnswConfigDiff?, quantization_config: QuantizationConfig?, on_disk: bool?, memory: Memory?, datatype: Datatype?, multivector_config: MultiVectorConfig?}
        VectorParamsDiff = {hnsw_config: HnswConfigDiff?, quantization_config: QuantizationConfigDiff?, on_disk: bool?, memory: Memory?}
        VectorStorageDatatype = 'float32' 'float16' 'uint8' 'turbo4'
        VectorStruct = [float] | [[float]] | {* Vector} | Document | Image | InferenceObject
        VectorsConfig = VectorParams | {* VectorParams}
        VectorsConfigDiff = {* VectorParamsDiff}
        WalConfigDiff = {wal_capacity_mb: uint 1..?, wal_segments_ahead: uint?, wal_retain_closed: uint?}
        WithLookup = {collection!: string, with_payload: WithPayloadInterface?, with_vectors: WithVector?}
        WithLookupInterface = string | WithLookup
        WithPayloadInterface = bool | [string] | PayloadSelector
        WithVector = bool | [string]
        """
}
