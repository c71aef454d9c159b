import Foundation

/// The fastest of several runs, in seconds of processor time: what else the machine does at the same time hardly counts.
///
/// Runs at least `runsMin` times and for at least `secondsMin` seconds of processor time.
func fastest(runsMin: Int, secondsMin: Double, _ body: () -> Void) -> Double {
    var (best, total) = (Double.infinity, 0.0)
    var runs = 0
    while runs < runsMin || total < secondsMin {
        let start = processorSeconds()
        body()
        let time = max(processorSeconds() - start, 1e-9)
        best = min(best, time)
        total += time
        runs += 1
    }
    return best
}

private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
