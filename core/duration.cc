#include "core/duration.h"

#include <charconv>
#include <cstdint>
#include <limits>

namespace wgr {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr Unit kUnits[] = {{"d", 86'400'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"m", 60'000'000'000},
                           {"s", 1'000'000'000},
                           {"ms", 1'000'000},
                           {"us", 1'000},
                           {"ns", 1}};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::optional<std::int64_t> take_unit(std::string_view& text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && !is_digit(text[length]) && text[length] != '.') ++length;
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.nanoseconds;
  }
  return std::nullopt;
}

// "1", "1.5": at most nine digits of fraction, which is a nanosecond of a second.
std::optional<std::int64_t> take_term(std::string_view& text) noexcept {
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  }
  const std::optional<std::int64_t> unit = take_unit(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (whole.empty() || error != std::errc{} || !unit) return std::nullopt;
  if (value > std::numeric_limits<std::int64_t>::max() / *unit) return std::nullopt;
  std::int64_t result = value * *unit;
  std::int64_t scale = *unit;
  for (const char digit : fraction) {
    if (scale % 10 != 0 && digit != '0') return std::nullopt;  // finer than a nanosecond
    scale /= 10;
    const std::int64_t part = (digit - '0') * scale;
    if (part > std::numeric_limits<std::int64_t>::max() - result) return std::nullopt;
    result += part;
  }
  return result;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  if (text == "0") return Duration{0};
  if (text.empty() || text.size() > 64) return std::nullopt;
  std::int64_t sum = 0;
  while (!text.empty()) {
    const std::optional<std::int64_t> term = take_term(text);
    if (!term || *term > std::numeric_limits<std::int64_t>::max() - sum) return std::nullopt;
    sum += *term;
  }
  return Duration{sum};
}

std::string to_string(Duration duration) {
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string text;
  for (const Unit& unit : kUnits) {
    if (unit.name == "d" || rest < unit.nanoseconds) continue;  // 25h reads better than 1d1h
    text += std::to_string(rest / unit.nanoseconds);
    text += unit.name;
    rest %= unit.nanoseconds;
  }
  return text;
}

}  // namespace wgr
