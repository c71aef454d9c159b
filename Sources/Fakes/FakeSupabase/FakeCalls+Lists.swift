package import Migration

// MARK: Quotas

extension ReserveQuota: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.reserve(self, transaction.now)
    }
}

extension ReportQuota: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.report(self, transaction.now)
    }
}

extension ListIngestionQuotas: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self, transaction.now)
    }
}

extension ResetIngestionQuota: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.reset(self)
    }
}

// MARK: Lists

extension ListIngestionJobs: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self)
    }
}

extension ListIngestionBatches: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self, transaction.now)
    }
}

extension ListIngestionFailures: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self)
    }
}

extension ListIngestionEvents: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self)
    }
}

// MARK: Runners

extension ReportRunner: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.report(self, transaction.now)
    }
}

extension ListIngestionRunners: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self, transaction.now)
    }
}

// MARK: Retention

extension DeleteIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(job: job, limit: .max, skipsLocked: false) { tables, _ in
            tables.index(of: job).map { Array(tables.jobs[$0].batches.indices.suffix(max(0, limit))) } ?? []
        }
        return .exclusively(job, rows)
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.delete(self, transaction)
    }
}

extension DeleteIngestionEvents: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { .exclusively(job) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.delete(self, transaction)
    }
}

extension ListIngestionRetention: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.list(self, transaction)
    }
}

extension GetIngestionJobRows: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.count(self)
    }
}
