// The far end of a host's TCP connection: a server's, or an outside client's.
//
// Bytes and ends travel with the latency of their host; the sockets of the host's side are SimStreamSocket
// and, for a connection that nobody has accepted, SimListenSocket.
//
// Thread: the one of its Internet.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/egress/sockets.h"
#include "core/time.h"

namespace wgr::sim {

class Internet;
class SimStreamSocket;

inline std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The far end of one TCP connection. A test holds it by shared_ptr; it outlives both sockets.
class RemoteStream {
 public:
  // What has arrived and was read, unless `keep_received` is off.
  const std::vector<std::uint8_t>& received() const { return received_; }
  std::string received_text() const { return {received_.begin(), received_.end()}; }
  std::uint64_t bytes_received() const { return bytes_received_; }
  bool peer_finished() const { return peer_finished_; }  // FIN arrived, after all data
  bool peer_reset() const { return peer_reset_; }
  bool peer_closed() const { return peer_closed_; }  // the host socket is gone
  const egress::StreamOptions& options() const { return options_; }
  // The far end's own: of a server, or of an outside client.
  const SocketAddress& server_address() const { return server_address_; }

  void send(Bytes bytes);
  void send(std::string_view text) { send(bytes_of(text)); }
  // `total` bytes that are made when the host reads them: fill(offset, into). For transfers beyond memory.
  using Fill = std::function<void(std::uint64_t offset, MutableBytes into)>;
  void send_generated(std::uint64_t total, Fill fill);
  void finish();  // FIN after what was sent
  void reset();   // RST at once; what was sent and not read yet can still be read
  // A server that stops reading: the host socket fills up to its buffer.
  void pause_reading() { is_paused_ = true; }
  void resume_reading();

  bool keep_received = true;
  std::function<void(RemoteStream&, Bytes)> on_data;
  std::function<void(RemoteStream&)> on_finish;  // the guest's side has finished sending

 private:
  friend class Internet;
  friend class SimSockets;
  friend class SimStreamSocket;
  friend class SimListenSocket;

  RemoteStream(Internet& internet, const SocketAddress& server_address, Duration latency);
  void take_unread();
  std::size_t readable_bytes() const;
  bool may_read() const;
  bool has_host() const { return socket_ != nullptr || is_in_backlog_; }

  Internet& internet_;
  SocketAddress server_address_;
  Duration latency_;
  egress::StreamOptions options_;
  SimStreamSocket* socket_ = nullptr;  // null once closed
  bool is_in_backlog_ = false;         // an outside client that nobody has accepted

  // Host to remote.
  std::size_t send_buffer_ = 0;
  std::size_t in_flight_ = 0;  // written by the host, not read here
  std::vector<std::uint8_t> unread_;
  std::vector<std::uint8_t> received_;
  std::uint64_t bytes_received_ = 0;
  bool is_paused_ = false;
  bool finish_arrived_ = false;  // FIN waits behind unread bytes
  bool peer_finished_ = false;
  bool peer_reset_ = false;
  bool peer_closed_ = false;

  // Remote to host: what has arrived at the host and waits to be read.
  std::deque<std::vector<std::uint8_t>> to_host_;
  std::size_t front_read_ = 0;
  std::uint64_t generated_total_ = 0;
  std::uint64_t generated_offset_ = 0;
  Fill fill_;
  bool finished_ = false;  // FIN sent
  bool finish_at_host_ = false;
  bool reset_at_host_ = false;
};

}  // namespace wgr::sim
