/// The memory of a tokenizer's tables, freed with the last copy of the tokenizer.
///
/// The tables themselves are plain pointers into it, so that reading them counts no references.
@safe
final class TableMemory: @unchecked Sendable {  // Sendable: used only while the tables are made.
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    /// Allocates some values, all the same at first.
    func allocate<Value: BitwiseCopyable>(_ count: Int, of value: Value) -> UnsafeMutablePointer<Value> {
        let block = UnsafeMutablePointer<Value>.allocate(capacity: count)
        unsafe block.initialize(repeating: value, count: count)
        unsafe blocks.append(UnsafeMutableRawPointer(block))
        return unsafe block
    }

    deinit {
        while let block = unsafe blocks.popLast() { unsafe block.deallocate() }
    }
}
