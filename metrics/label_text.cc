#include "metrics/label_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace wgr::metrics {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

// The length of the well-formed sequence at the front (Unicode, table 3-7); 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  struct Row {
    std::uint8_t first, last;  // of the lead byte
    std::size_t length;
    std::uint8_t second_first, second_last;
  };
  constexpr std::array<Row, 8> kRows = {{{0xC2, 0xDF, 2, 0x80, 0xBF},
                                         {0xE0, 0xE0, 3, 0xA0, 0xBF},
                                         {0xE1, 0xEC, 3, 0x80, 0xBF},
                                         {0xED, 0xED, 3, 0x80, 0x9F},
                                         {0xEE, 0xEF, 3, 0x80, 0xBF},
                                         {0xF0, 0xF0, 4, 0x90, 0xBF},
                                         {0xF1, 0xF3, 4, 0x80, 0xBF},
                                         {0xF4, 0xF4, 4, 0x80, 0x8F}}};
  const std::uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  const auto* const row = std::ranges::find_if(
      kRows, [lead](const Row& each) { return lead >= each.first && lead <= each.last; });
  if (row == kRows.end() || text.size() < row->length) return 0;
  if (byte_at(text, 1) < row->second_first || byte_at(text, 1) > row->second_last) return 0;
  for (std::size_t i = 2; i < row->length; ++i) {
    if ((byte_at(text, i) & 0xC0) != 0x80) return 0;
  }
  return row->length;
}

bool is_control(std::uint8_t byte) { return (byte < 0x20 && byte != '\n') || byte == 0x7F; }

}  // namespace

std::string label_text(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const bool is_good = length > 1 || (length == 1 && !is_control(byte_at(text, 0)));
    result += is_good ? text.substr(0, length) : kReplacement;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

}  // namespace wgr::metrics
