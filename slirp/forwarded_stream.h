// The host socket of an outside client, as the TCP bridge of a forward sees it: in front of what the client
// sends stands the PROXY header, if there is one, and the flow's ticket ends with the socket.
//
// Thread: confined to the stack.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/egress/sockets.h"
#include "slirp/forward_admission.h"

namespace wgr::slirp {

class ForwardedStream final : public egress::StreamSocket {
 public:
  // `preface` is read before the first byte of the client.
  ForwardedStream(std::unique_ptr<egress::StreamSocket> client, ForwardAdmission::Ticket ticket,
                  Bytes preface)
      : client_(std::move(client)), ticket_(std::move(ticket)), preface_(preface.begin(), preface.end()) {}

  int connect_result() override { return client_->connect_result(); }
  egress::IoResult read(std::span<const iovec> into) override {
    return preface_.empty() ? client_->read(into) : read_preface(into);
  }
  egress::IoResult write(std::span<const iovec> from) override { return client_->write(from); }
  void shutdown_send() override { client_->shutdown_send(); }
  void reset_on_close() override { client_->reset_on_close(); }
  void watch(egress::Ready interest) override { client_->watch(interest); }

 private:
  egress::IoResult read_preface(std::span<const iovec> into) {
    std::size_t read = 0;
    for (const iovec& piece : into) {
      const std::size_t size = std::min(piece.iov_len, preface_.size() - read);
      std::memcpy(piece.iov_base, preface_.data() + read, size);
      read += size;
    }
    preface_.erase(preface_.begin(), preface_.begin() + static_cast<std::ptrdiff_t>(read));
    return {.bytes = read, .error = 0, .is_end = false};
  }

  std::unique_ptr<egress::StreamSocket> client_;
  ForwardAdmission::Ticket ticket_;
  std::vector<std::uint8_t> preface_;  // what is not read yet
};

}  // namespace wgr::slirp
