/// The orders in which the steps of several transactions can come: each has two, its call and its commit.
enum StepOrders {
    /// Every order, each a list of transactions: the first mention is the call, the second the commit.
    ///
    /// There are 6 of two transactions and 90 of three.
    static func all(of count: Int) -> [[Int]] {
        func orders(_ left: [Int]) -> [[Int]] {
            if left.allSatisfy({ $0 == 0 }) { return [[]] }
            return left.indices.filter { left[$0] > 0 }.flatMap { next -> [[Int]] in
                var rest = left
                rest[next] -= 1
                return orders(rest).map { [next] + $0 }
            }
        }
        return orders(Array(repeating: 2, count: count))
    }

    /// Every order of whole transactions.
    static func sequences(of transactions: [Int]) -> [[Int]] {
        transactions.isEmpty
            ? [[]]
            : transactions.flatMap { next in
                sequences(of: transactions.filter { $0 != next }).map { [next] + $0 }
            }
    }

    /// Every choice of some elements, repeats included, whatever their order.
    static func choices<Element>(_ count: Int, of elements: [Element]) -> [[Element]] {
        count == 0
            ? [[]]
            : elements.indices.flatMap { index in
                choices(count - 1, of: Array(elements[index...])).map { [elements[index]] + $0 }
            }
    }
}
