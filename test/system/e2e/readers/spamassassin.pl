# Has SpamAssassin read messages with its SPF rules and without DNS: messages as lines of JSON in, names of rules out.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my $json = JSON::PP->new->ascii->allow_nonref;

my @results = qw(pass fail softfail neutral none permerror temperror);
my @rules = map { ( "SPF_\U$_", "check_for_spf_$_" ) } @results;
push @rules, map { ( "SPF_HELO_\U$_", "check_for_spf_helo_$_" ) } @results;

my $config = <<'END';
loadplugin Mail::SpamAssassin::Plugin::Check
loadplugin Mail::SpamAssassin::Plugin::SPF
dns_available no
util_rb_tld test
trusted_networks 192.0.2.1
internal_networks 192.0.2.1
END
while ( my ( $name, $function ) = splice @rules, 0, 2 ) {
    $config .= "header $name eval:$function()\n";
}

my $spamassassin = Mail::SpamAssassin->new(
    { config_text => $config, dont_copy_prefs => 1, local_tests_only => 0, username => 'nobody' } );
$spamassassin->init(1);

while ( my $line = <STDIN> ) {
    my $answer = eval {
        my $message = $spamassassin->parse( $json->decode($line), 1 );
        my $status  = $spamassassin->check($message);
        my $names   = $status->get_names_of_tests_hit();
        $status->finish();
        $message->finish();
        $names;
    };
    print $json->encode( defined $answer ? { answer => $answer } : { error => "$@" } ), "\n";
}
