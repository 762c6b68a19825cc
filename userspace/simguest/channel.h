/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A channel of a simulated guest: the data path, plain and sealed. */
#ifndef SIM_CHANNEL_H
#define SIM_CHANNEL_H

#include "core/connect.h"
#include "core/ring.h"
#include "core/seal.h"
#include "simguest/guest.h"

/**
 * struct sim_channel - one end
 * @g: its guest
 * @ss: the session it was made in
 * @c: the handshake's object
 * @request: of OPEN; 0 if accepted
 * @cid: once it is known
 * @code: wire code of its end
 * @error: own cause of its end
 * @accepted: taken by sim_accept()
 * @closed: CLOSED was sent: the memory is not touched any more
 * @peer_closed: the peer closed in an orderly way
 * @peer_vm: the peer's VM: from its certificate, or the one asked for
 * @peer_service: likewise its service
 * @tx: positions of the ring to the peer
 * @rx: positions of the ring from the peer
 * @tx_data: that ring, mapped twice in a row
 * @rx_data: likewise, read only
 * @tx_seal: sealed: the state of our direction
 * @rx_seal: likewise of the peer's
 * @tx_t: sealed: the transform of @tx_seal
 * @rx_t: likewise of @rx_seal
 * @bounce: sealed: private memory for one record
 * @fin_pos: where the peer's sealed stream ends, once @c.fin_seen
 * @marks: end marks that we have set
 */
struct sim_channel {
	struct sim_guest *g;
	struct sim_session *ss;
	struct siv_connect c;
	u64 request;
	u64 cid;
	u32 code;
	enum siv_reason error;
	bool accepted;
	bool closed;
	bool peer_closed;
	char peer_vm[SIV_NAME_LEN];
	char peer_service[SIV_NAME_LEN];
	struct siv_tx tx;
	struct siv_rx rx;
	u8 *tx_data;
	u8 *rx_data;
	struct siv_seal tx_seal;
	struct siv_seal rx_seal;
	struct siv_aead *tx_t;
	struct siv_aead *rx_t;
	u8 *bounce;
	u64 fin_pos;
	unsigned int marks;
};

/* sim_channel_begin() - called once when OPEN: positions, and the ring keys taken over. */
int sim_channel_begin(struct sim_channel *ch);
/* sim_channel_map() - map the rings, at their first use; sending and receiving call it. */
int sim_channel_map(struct sim_channel *ch);

/**
 * sim_send() - one record
 * @ch: the channel
 * @buf: its bytes
 * @len: how many
 *
 * Return: 0; -EAGAIN if there is no room; -EMSGSIZE; -EPIPE; -EPROTO; -ECONNRESET.
 */
int sim_send(struct sim_channel *ch, const void *buf, size_t len);
/* sim_send_wait() - the same, waiting for room. */
int sim_send_wait(struct sim_channel *ch, const void *buf, size_t len,
		  int timeout_ms);
/**
 * sim_recv() - one record
 * @ch: the channel
 * @buf: where its bytes go
 * @cap: room there
 *
 * Return: its length; 0 at the end of the stream; -EAGAIN; -EMSGSIZE; -EPROTO; -EBADMSG;
 * -ECONNRESET.
 */
ssize_t sim_recv(struct sim_channel *ch, void *buf, size_t cap);
ssize_t sim_recv_wait(struct sim_channel *ch, void *buf, size_t cap,
		      int timeout_ms);
/* sim_shutdown() - end mark for our direction; sealed: FIN as well. */
int sim_shutdown(struct sim_channel *ch);
/* sim_close() - orderly end: shutdown, CLOSE and CLOSED; frees @ch. */
void sim_close(struct sim_channel *ch);
/* sim_channel_free() - forget it without a word. */
void sim_channel_free(struct sim_channel *ch);
/* sim_channel_end() - end with a cause: keys wiped, CLOSED sent. */
void sim_channel_end(struct sim_channel *ch, enum siv_reason why, u32 code);

#endif /* SIM_CHANNEL_H */
