// Quantities with a dimension: bytes, floating-point operations, seconds and the rates between
// them.
//
// A bare number in an interface is a source of silent errors (GB or GiB, Gb/s or GB/s, ms or us),
// so sizes and rates are types. Multiplying and dividing quantities gives the right type or does
// not compile: Bytes / BytesPerSecond is Seconds, Bytes + Seconds is an error that names both.
// Bytes are exact 64-bit integers; everything that a division can yield is a double.
// The machine code is that of the bare numbers. `<` is defined directly rather than through `<=>`:
// g++ 12 compiles the latter to a branch on doubles.
#pragma once

#include <cstdint>
#include <type_traits>

namespace orrery {

/// Exponents of byte, flop and second. Bytes per second is Exponents<1, 0, -1>.
template <int ByteExponent, int FlopExponent, int SecondExponent>
struct Exponents {
  static constexpr int byte = ByteExponent;
  static constexpr int flop = FlopExponent;
  static constexpr int second = SecondExponent;
};

template <typename D, typename Rep>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  constexpr Quantity operator-() const { return Quantity(-value_); }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }
  friend constexpr Quantity operator*(Quantity a, Rep factor) {
    return Quantity(a.value_ * factor);
  }
  friend constexpr Quantity operator*(Rep factor, Quantity a) { return a * factor; }
  friend constexpr bool operator==(Quantity a, Quantity b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Quantity a, Quantity b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(Quantity a, Quantity b) { return a.value_ < b.value_; }
  friend constexpr bool operator>(Quantity a, Quantity b) { return b < a; }
  friend constexpr bool operator<=(Quantity a, Quantity b) { return !(b < a); }
  friend constexpr bool operator>=(Quantity a, Quantity b) { return !(a < b); }

 private:
  Rep value_ = 0;
};

using Bytes = Quantity<Exponents<1, 0, 0>, std::int64_t>;
using Flops = Quantity<Exponents<0, 1, 0>, double>;
using Seconds = Quantity<Exponents<0, 0, 1>, double>;
using BytesPerSecond = Quantity<Exponents<1, 0, -1>, double>;
using FlopsPerSecond = Quantity<Exponents<0, 1, -1>, double>;

namespace detail {
template <typename A, typename B>
using Product =
    Quantity<Exponents<A::byte + B::byte, A::flop + B::flop, A::second + B::second>, double>;
template <typename A, typename B>
using Ratio =
    Quantity<Exponents<A::byte - B::byte, A::flop - B::flop, A::second - B::second>, double>;
}  // namespace detail

/// The ratio of two quantities of one dimension is a bare number.
template <typename D, typename Rep>
constexpr double operator/(Quantity<D, Rep> a, Quantity<D, Rep> b) {
  return static_cast<double>(a.value()) / static_cast<double>(b.value());
}

template <typename A, typename RepA, typename B, typename RepB>
requires(!std::is_same_v<A, B>) constexpr auto operator/(Quantity<A, RepA> a, Quantity<B, RepB> b) {
  return detail::Ratio<A, B>(static_cast<double>(a.value()) / static_cast<double>(b.value()));
}

template <typename A, typename RepA, typename B, typename RepB>
constexpr auto operator*(Quantity<A, RepA> a, Quantity<B, RepB> b) {
  return detail::Product<A, B>(static_cast<double>(a.value()) * static_cast<double>(b.value()));
}

template <typename D>
constexpr Quantity<D, double> operator/(Quantity<D, double> a, double divisor) {
  return Quantity<D, double>(a.value() / divisor);
}

/// Bytes split into `parts` equal shares, rounded up: the share of the fullest rank.
constexpr Bytes ceil_divide(Bytes total, std::int64_t parts) {
  return Bytes((total.value() + parts - 1) / parts);
}

namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return Bytes(static_cast<std::int64_t>(n)); }
constexpr Bytes operator""_KiB(unsigned long long n) { return operator""_B(n << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return operator""_B(n << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return operator""_B(n << 30); }
constexpr Bytes operator""_MB(unsigned long long n) { return operator""_B(n * 1'000'000ULL); }
constexpr Bytes operator""_GB(unsigned long long n) { return operator""_B(n * 1'000'000'000ULL); }
/// Gigabits per second, as networks are sold; held in bytes per second.
constexpr BytesPerSecond operator""_Gbps(unsigned long long n) {
  return BytesPerSecond(static_cast<double>(n) * 1e9 / 8.0);
}
/// Gigabytes per second, as memories and NVLink are sold.
constexpr BytesPerSecond operator""_GBps(unsigned long long n) {
  return BytesPerSecond(static_cast<double>(n) * 1e9);
}
constexpr FlopsPerSecond operator""_TFLOPps(unsigned long long n) {
  return FlopsPerSecond(static_cast<double>(n) * 1e12);
}
}  // namespace literals

}  // namespace orrery
