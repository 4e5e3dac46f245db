//! Weights of cgroup v1 as weights of cgroup v2, in integers.

/// Fraction bits of the logarithms.
const BITS: u32 = 48;

/// log2(10) with so many fraction bits.
const LOG2_10: u64 = 935_039_633_142_894;

/// The logarithm to base 2 of a number of 1 or more, with [`BITS`] fraction bits:
/// squaring doubles a logarithm, so each squaring yields the next bit.
fn log2(number: u64) -> u64 {
    let whole = number.ilog2();
    // In [1, 2), with 62 fraction bits.
    let mut mantissa = number << (62 - whole);
    let mut result = u64::from(whole);
    for _ in 0..BITS {
        mantissa = ((u128::from(mantissa) * u128::from(mantissa)) >> 62) as u64;
        let carry = mantissa >> 63;
        mantissa >>= carry;
        result = result << 1 | carry;
    }
    result
}

/// `cpu.shares` (2 to 262144, default 1024) as `cpu.weight` (1 to 10000, default
/// 100): 10^((log2(s)^2 + 125 log2(s)) / 612 - 7/34), rounded up, which keeps
/// both ends and the default. runc and crun use it since 1.4 and 1.23.
pub fn weight_of_shares(shares: u64) -> u64 {
    match shares {
        0..=2 => return 1,
        262_144.. => return 10_000,
        _ => {}
    }
    let log = log2(shares);
    let square = ((u128::from(log) * u128::from(log)) >> BITS) as u64;
    // Over the common denominator 612, times log2(10): the weight's log2.
    let exponent = u128::from(square + 125 * log - (126 << BITS)) * u128::from(LOG2_10);
    let exponent = ((exponent / 612) >> BITS) as u64;
    // Rounding errors must not lift an exact value, as that of 1024, by one.
    let exponent = exponent.saturating_sub(1 << 8);
    // The least weight whose logarithm is not below that.
    let (mut low, mut high) = (1, 10_000);
    while low < high {
        let middle = (low + high) / 2;
        if log2(middle) < exponent { low = middle + 1 } else { high = middle }
    }
    low
}

/// `blkio.weight` (10 to 1000) as `io.weight` (1 to 10000): linear.
pub fn io_weight(weight: u32) -> u64 {
    1 + (u64::from(weight).saturating_sub(10)) * 9999 / 990
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn as_with_floating_point() {
        // All of them agree; these are enough to notice a change.
        for shares in (3..4096).chain((4096..262_144).step_by(61)) {
            let log = (shares as f64).log2();
            let exact = 10f64.powf((log * log + 125.0 * log) / 612.0 - 7.0 / 34.0);
            // The sum is exact only to some 1e-12.
            let expect = (exact - 1e-9).ceil() as u64;
            assert_eq!(weight_of_shares(shares), expect, "{shares}: {exact}");
        }
    }

    #[test]
    fn ends_and_defaults() {
        for (shares, weight) in
            [(0, 1), (1, 1), (2, 1), (512, 59), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)]
        {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
        for (weight, expect) in [(10, 1), (100, 910), (500, 4950), (1000, 10_000)] {
            assert_eq!(io_weight(weight), expect, "{weight}");
        }
    }
}
