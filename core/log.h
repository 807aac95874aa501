// Log lines for the operator, on standard error: text or JSON, one write per line.
// Never on the packet path; never keys or payloads; destinations only at debug.
//
// Thread: any, after configure().
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/time.h"

namespace wgr::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kText, kJson };

std::optional<Level> parse_level(std::string_view text);  // trace debug info warn(ing) error

// Before other threads start, and again when the configuration is reloaded.
void configure(Level level, Format format);
bool is_enabled(Level level) noexcept;

// A value is written as a number or true/false where it was one, else quoted.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v), is_quoted(true) {}
  Field(std::string_view k, const char* v) : Field(k, std::string_view{v}) {}
  Field(std::string_view k, const std::string& v) : Field(k, std::string_view{v}) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), is_quoted(false) {}
  template <typename Number>
    requires std::is_arithmetic_v<Number>
  Field(std::string_view k, Number v) : key(k), value(std::to_string(v)), is_quoted(false) {}

  std::string_view key;
  std::string value;
  bool is_quoted;
};

using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view message, Fields fields = {});
// A line that is complete already, such as the periodic report: written as it is, whatever the level.
void write_line(std::string_view line);
inline void debug(std::string_view message, Fields fields = {}) { write(Level::kDebug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::kInfo, message, fields); }
inline void warn(std::string_view message, Fields fields = {}) { write(Level::kWarn, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::kError, message, fields); }

// Lets the first `burst` lines of each window through and counts the rest.
// Confined to its owner.
class RateLimit {
 public:
  explicit RateLimit(unsigned burst = 5, Duration window = std::chrono::seconds{30})
      : burst_(burst), window_(window) {}

  // Whether to write now. `suppressed` is how many lines the last window swallowed.
  bool allow(Instant now, std::uint64_t& suppressed) {
    if (now - began_ >= window_) {
      suppressed = used_ > burst_ ? used_ - burst_ : 0;
      began_ = now;
      used_ = 0;
    } else {
      suppressed = 0;
    }
    return ++used_ <= burst_;
  }

 private:
  const std::uint64_t burst_;
  const Duration window_;
  Instant began_{Instant::duration{Instant::min().time_since_epoch() / 2}};
  std::uint64_t used_ = 0;
};

}  // namespace wgr::log
