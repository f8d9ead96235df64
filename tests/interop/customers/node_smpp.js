// A customer on npm's smpp. It reads a receipt's TLVs; the text of one is for its user.
"use strict";

const readline = require("readline");
// The working directory is where npm has installed it, not where this file is.
const smpp = require(require.resolve("smpp", { paths: [process.cwd()] }));

let session;

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function text(pdu) {
  return (pdu.message_payload || pdu.short_message).message;
}

function deliver(pdu) {
  session.send(pdu.response());
  if (pdu.esm_class & smpp.ESM_CLASS.MC_DELIVERY_RECEIPT) {
    say({
      event: "receipt",
      id: pdu.receipted_message_id,
      state: pdu.message_state,
      source: pdu.source_addr,
      destination: pdu.destination_addr,
      text: text(pdu),
    });
  } else {
    say({ event: "text", source: pdu.source_addr, text: text(pdu) });
  }
}

function bind(order) {
  session = smpp.connect({
    host: "127.0.0.1",
    port: Number(process.argv[2]),
    auto_enquire_link_period: 1000 * (order.enquire_link_s || 0),
  });
  session.on("connect", () =>
    session[`bind_${order.as}`]({ system_id: order.system_id, password: order.password }, (pdu) =>
      say({ event: "bound", status: pdu.command_status, version: pdu.sc_interface_version })
    )
  );
  session.on("deliver_sm", deliver);
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    say({ event: "sent away" });
    session.send(pdu.response());
  });
  session.on("close", () => say({ event: "closed" }));
  session.on("error", (error) => say({ event: "error", message: String(error) }));
}

// smpp leaves it to its user to cut a text, but knows both ways of numbering its parts.
const LONG = {
  payload: (text) => ({ message_payload: { message: text } }),
  udh: (text, total, number) => ({
    short_message: { udh: Buffer.from([5, 0, 3, 7, total, number]), message: text },
  }),
  sar: (text, total, number) => ({
    short_message: text,
    sar_msg_ref_num: 7,
    sar_total_segments: total,
    sar_segment_seqnum: number,
  }),
};

function submitLong(order) {
  order.parts.forEach((text, index) =>
    submit({ ...order, fields: { data_coding: 8, ...LONG[order.how](text, order.parts.length, index + 1) } })
  );
}

function submit(order) {
  // Given a string, smpp 0.5.1 chooses the encoding by itself: the GSM alphabet, else UCS-2.
  session.submit_sm(
    {
      source_addr: order.source,
      destination_addr: order.to,
      registered_delivery: 1,
      ...(order.fields || { short_message: order.text }),
    },
    (pdu) =>
      say({ event: "answer", to: order.to, status: pdu.command_status, message_id: pdu.message_id || "" })
  );
}

// What a response carries, as smpp has parsed it; JSON leaves out what it does not carry.
function ask(order) {
  const { command, fields, text: asked } = order;
  if (asked !== undefined) {
    fields[command === "data_sm" ? "message_payload" : "short_message"] = Buffer.from(asked, "utf16le").swap16();
  }
  session[command](fields, (pdu) =>
    say({
      event: "told",
      command: pdu.command,
      status: pdu.command_status,
      message_id: pdu.message_id,
      state: pdu.message_state,
      final_date: pdu.final_date,
      error: pdu.error_code,
      refused: (pdu.unsuccess_sme || []).map((sme) => [sme.destination_addr, sme.error_status_code]),
    })
  );
}

function unbind() {
  session.unbind((pdu) => say({ event: "unbound", status: pdu.command_status }));
}

const ORDERS = { bind, submit, submit_long: submitLong, ask, unbind };

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  ORDERS[order.do](order);
});
