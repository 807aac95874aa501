#include "core/egress/host_name.h"

#include <algorithm>

namespace wgr::egress {
namespace {

constexpr std::size_t kMaxLabel = 63;

// Whatever the locale says.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_label_character(char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, is_label_character);
}

bool looks_like_a_number(std::string_view label) {
  const bool is_hexadecimal = label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
  return is_hexadecimal || std::ranges::all_of(label, is_digit);
}

}  // namespace

bool is_host_name(std::string_view text) noexcept {
  if (text.size() > kMaxHostName) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !looks_like_a_number(label);
    text.remove_prefix(dot + 1);
  }
}

}  // namespace wgr::egress
