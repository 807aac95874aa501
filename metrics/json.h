// Writes one JSON object, key by key, in order. Text is escaped; numbers are exact; what is absent is null.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wgr::metrics {

class JsonObject {
 public:
  JsonObject() : text_("{") {}

  JsonObject& add(std::string_view key, std::uint64_t value);
  JsonObject& add(std::string_view key, std::int64_t value);
  JsonObject& add(std::string_view key, std::optional<std::uint64_t> value);
  JsonObject& add(std::string_view key, double value);  // two decimals; null when it is no number
  JsonObject& add(std::string_view key, std::string_view value);
  JsonObject& add(std::string_view key, const char* value) { return add(key, std::string_view{value}); }
  JsonObject& add(std::string_view key, const JsonObject& value);

  std::string to_string() const { return text_ + "}"; }

 private:
  void begin(std::string_view key);

  std::string text_;
};

}  // namespace wgr::metrics
