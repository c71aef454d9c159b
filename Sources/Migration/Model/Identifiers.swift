/// The source table's primary key: a signed 64-bit integer, never a floating-point number.
package typealias RecordID = Int64

/// The tracking store's number of a job.
package typealias JobID = Int64
