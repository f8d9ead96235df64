// An SMSC on npm's smpp. Its ids are hexadecimal in the response and decimal in the receipt, and the receipt
// comes before the response.
"use strict";

const readline = require("readline");
// The working directory is where npm has installed it, not where this file is.
const smpp = require(require.resolve("smpp", { paths: [process.cwd()] }));

const PASSWORD = "geheim12";
const STATS = { "01": "UNDELIV" }; // else DELIVRD
const REFUSALS = { "08": smpp.ESME_RINVDSTADR };
const THROTTLED_ONCE = "58";
const REPLYING = "77";
const REPORTED_IN_DATA = "33";

const sessions = new Set();
const throttled = new Set();
let lastId = 0xabcdef0123;

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function bind(session, pdu) {
  if (pdu.password !== PASSWORD) {
    say({ event: "refused", system_id: pdu.system_id });
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    session.close();
    return;
  }
  say({ event: "bound", command: pdu.command, system_id: pdu.system_id, version: pdu.interface_version });
  sessions.add(session);
  session.send(pdu.response({ system_id: "node" }));
}

function deliver(session, submit, fields) {
  const addresses = { source_addr: submit.destination_addr, destination_addr: submit.source_addr };
  session.deliver_sm({ ...addresses, ...fields }, (answer) => {
    say({ event: "answered", destination: submit.destination_addr, status: answer.command_status });
  });
}

// data_sm has no short_message: it says all in TLVs.
function reportInData(session, submit, id) {
  const fields = {
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    receipted_message_id: String(id),
    message_state: smpp.MESSAGE_STATE.DELIVERED,
  };
  session.data_sm(fields, (answer) => {
    const { command, command_status: status } = answer;
    say({ event: "answered", destination: submit.destination_addr, command, status });
  });
}

function report(session, submit, id) {
  const stat = STATS[submit.destination_addr.slice(-2)] || "DELIVRD";
  const text =
    `id:${id} sub:001 dlvrd:001 submit date:2611220800 done date:2611220801 stat:${stat} err:000 text:`;
  deliver(session, submit, { esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT, short_message: text });
}

function submit(session, pdu) {
  const ending = pdu.destination_addr.slice(-2);
  const throttles = ending === THROTTLED_ONCE && !throttled.has(pdu.destination_addr);
  say({
    event: "submit",
    source: pdu.source_addr,
    destination: pdu.destination_addr,
    data_coding: pdu.data_coding,
    text: (pdu.message_payload || pdu.short_message).message,
    // The elements of the header; smpp leaves out its length.
    udh: Buffer.concat(pdu.short_message.udh || []).toString("hex"),
    throttled: throttles,
  });
  if (throttles) {
    throttled.add(pdu.destination_addr);
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  } else if (REFUSALS[ending]) {
    session.send(pdu.response({ command_status: REFUSALS[ending] }));
  } else {
    lastId += 1;
    (ending === REPORTED_IN_DATA ? reportInData : report)(session, pdu, lastId);
    session.send(pdu.response({ message_id: lastId.toString(16).toUpperCase() }));
    if (ending === REPLYING) {
      deliver(session, pdu, { data_coding: 8, short_message: "TD" });
    }
  }
}

function obey(order) {
  for (const session of sessions) {
    session[order.command](order.fields || {}, (answer) => {
      say({ event: "answer", to: order.command, command: answer.command, status: answer.command_status });
      if (order.command === "unbind") {
        session.close();
      }
    });
  }
}

const server = smpp.createServer((session) => {
  for (const command of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) {
    session.on(command, (pdu) => bind(session, pdu));
  }
  session.on("submit_sm", (pdu) => submit(session, pdu));
  session.on("enquire_link", (pdu) => {
    say({ event: "enquired" });
    session.send(pdu.response());
  });
  session.on("unbind", (pdu) => {
    say({ event: "unbound" });
    session.send(pdu.response());
    session.close();
  });
  session.on("close", () => sessions.delete(session));
  session.on("error", (error) => say({ event: "error", message: String(error) }));
});

readline.createInterface({ input: process.stdin }).on("line", (line) => obey(JSON.parse(line)));
server.listen(Number(process.argv[2]), "127.0.0.1");
