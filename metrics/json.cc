#include "metrics/json.h"

#include <cmath>
#include <cstdio>

namespace wgr::metrics {
namespace {

// RFC 8259, 7: quote, backslash and control characters are escaped. Other bytes pass as they are.
void append_string(std::string& text, std::string_view value) {
  text += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      text += code;
    } else {
      text += c;
    }
  }
  text += '"';
}

}  // namespace

void JsonObject::begin(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  append_string(text_, key);
  text_ += ':';
}

JsonObject& JsonObject::add(std::string_view key, std::uint64_t value) {
  begin(key);
  text_ += std::to_string(value);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, std::int64_t value) {
  begin(key);
  text_ += std::to_string(value);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, std::optional<std::uint64_t> value) {
  begin(key);
  text_ += value ? std::to_string(*value) : "null";
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, double value) {
  begin(key);
  char number[64];
  std::snprintf(number, sizeof number, "%.2f", value);
  text_ += std::isfinite(value) ? number : "null";
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, std::string_view value) {
  begin(key);
  append_string(text_, value);
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, const JsonObject& value) {
  begin(key);
  text_ += value.to_string();
  return *this;
}

}  // namespace wgr::metrics
