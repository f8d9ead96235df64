# A customer on Perl's Net::SMPP. It reads a receipt's TLVs; the text of one is for its user.
use strict;
use warnings;

use Encode qw(decode encode);
use IO::Select;
use JSON::PP qw(decode_json encode_json);
use Net::SMPP;

my $RECEIPT = 0x04;
my $UCS2 = 8;

my ($port) = @ARGV;
my $smpp;
my $input = '';
my $enquire_link_s;
my %submitted;
$| = 1;

sub say_that { print encode_json({@_}), "\n" }

sub cut { my ($octets) = @_; return defined $octets ? unpack('Z*', $octets) : undef }

# Everything is sent with async: a synchronous request of Net::SMPP drops each receipt that comes before its
# response.
sub bind_as {
    my ($order) = @_;
    $enquire_link_s = $order->{enquire_link_s};
    $smpp = Net::SMPP->new_connect('127.0.0.1', port => $port, async => 1, smpp_version => 0x34,
        interface_version => 0x34) or die "no connection: $!";
    my $bind = "bind_$order->{as}";
    $smpp->$bind(system_id => $order->{system_id}, password => $order->{password});
}

sub submit {
    my ($order) = @_;
    my $octets = $order->{coding} eq 'ucs2' ? encode('UTF-16BE', $order->{text}) : $order->{text};
    submit_fields($order, data_coding => $order->{coding} eq 'ucs2' ? $UCS2 : 0, short_message => $octets);
}

# Net::SMPP leaves it to its user to cut a text and to write a header or the values of TLVs.
sub submit_long {
    my ($order) = @_;
    my $total = @{$order->{parts}};
    for my $number (1 .. $total) {
        my $octets = encode('UTF-16BE', $order->{parts}[$number - 1]);
        my %fields = (
            payload => [message_payload => $octets],
            udh => [esm_class => 0x40, short_message => pack('C6a*', 5, 0, 3, 7, $total, $number, $octets)],
            sar => [short_message => $octets, sar_msg_ref_num => pack('n', 7),
                sar_total_segments => pack('C', $total), sar_segment_seqnum => pack('C', $number)],
        );
        submit_fields($order, data_coding => $UCS2, @{$fields{$order->{how}}});
    }
}

sub submit_fields {
    my ($order, @fields) = @_;
    my $seq = $smpp->submit_sm(
        source_addr => $order->{source}, destination_addr => $order->{to}, registered_delivery => 1, @fields);
    $submitted{$seq} = $order->{to};
}

# Our word for an array of destinations, and of parts of them, is npm smpp's.
sub ask {
    my ($order) = @_;
    my ($command, %fields) = ($order->{command}, %{$order->{fields}});
    if (defined(my $dests = delete $fields{dest_address})) {
        $fields{destination_addr} = [map { $_->{destination_addr} // $_->{dl_name} } @$dests];
        $fields{dest_flag} = [map { defined $_->{dl_name} ? 2 : 1 } @$dests];
    }
    if (defined $order->{text}) {
        my $place = $command eq 'data_sm' ? 'message_payload' : 'short_message';
        $fields{$place} = encode('UTF-16BE', $order->{text});
    }
    $smpp->$command(%fields);
}

sub tell_of {
    my ($pdu) = @_;
    my $refused = $pdu->{no_unsuccess} // 0;
    say_that(event => 'told', command => $pdu->explain_cmd, status => $pdu->status,
        message_id => $pdu->{message_id}, state => $pdu->{message_state},
        final_date => $pdu->{final_date}, error => $pdu->{error_code},
        refused => [map { [$pdu->{destination_addr}[$_], $pdu->{error_status_code}[$_]] } 0 .. $refused - 1]);
}

sub deliver {
    my ($pdu) = @_;
    $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
    my $octets = $pdu->{message_payload} // $pdu->{short_message};
    my $text = $pdu->{data_coding} == $UCS2 ? decode('UTF-16BE', $octets) : $octets;
    if ($pdu->{esm_class} & $RECEIPT) {
        say_that(event => 'receipt', id => cut($pdu->{receipted_message_id}),
            state => ord $pdu->{message_state}, source => $pdu->{source_addr},
            destination => $pdu->{destination_addr}, text => $text);
    } else {
        say_that(event => 'text', source => $pdu->{source_addr}, text => $text);
    }
}

sub take {
    my ($pdu) = @_;
    my $name = $pdu->explain_cmd;
    if ($name =~ /^bind_/) {
        my $version = $pdu->{sc_interface_version};
        say_that(event => 'bound', status => $pdu->status, version => defined $version ? ord $version : undef);
    } elsif ($name eq 'submit_sm_resp' && exists $submitted{$pdu->seq}) {
        say_that(event => 'answer', to => delete $submitted{$pdu->seq}, status => $pdu->status,
            message_id => $pdu->message_id // '');
    } elsif ($name eq 'deliver_sm') {
        deliver($pdu);
    } elsif ($name eq 'enquire_link') {
        $smpp->enquire_link_resp(seq => $pdu->seq);
    } elsif ($name eq 'unbind') {
        say_that(event => 'sent away');
        $smpp->unbind_resp(seq => $pdu->seq);
    } elsif ($name eq 'unbind_resp') {
        say_that(event => 'unbound', status => $pdu->status);
    } elsif ($name =~ /_resp$/ && $name ne 'enquire_link_resp') {
        tell_of($pdu);
    }
}

sub read_socket {
    my $pdu;
    {
        # Net::SMPP warns of an end between two PDUs, which is how a connection ends, and of the fields that a
        # response without a body, as errors have none, does not have.
        local $SIG{__WARN__} = sub { warn @_ unless $_[0] =~ /premature eof|outside of string|uninitialized/ };
        $pdu = $smpp->read_pdu;
    }
    if (defined $pdu) {
        take($pdu);
    } else {
        say_that(event => 'closed');
        undef $smpp;
    }
}

sub read_orders {
    sysread(STDIN, $input, 65536, length $input) or exit;
    while ($input =~ s/^(.*)\n//) {
        my $order = decode_json($1);
        my %do = (bind => \&bind_as, submit => \&submit, submit_long => \&submit_long, ask => \&ask, unbind => sub { $smpp->unbind });
        $do{$order->{do}}->($order);
    }
}

while (1) {
    my @ready = IO::Select->new(\*STDIN, $smpp // ())->can_read($enquire_link_s);
    for my $ready (@ready) {
        $ready == \*STDIN ? read_orders() : read_socket();
    }
    $smpp->enquire_link if !@ready && defined $smpp;
}
