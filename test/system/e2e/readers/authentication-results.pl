# Reads Authentication-Results with Mail::AuthenticationResults: values as lines of JSON in, what they say as JSON out.
use strict;
use warnings;
use JSON::PP;
use Mail::AuthenticationResults::Parser;

my $json = JSON::PP->new->ascii->allow_nonref;

sub tree {
    my ($node) = @_;
    my ($class) = ref($node) =~ /(\w+)$/;
    return {
        class    => $class,
        key      => scalar eval { $node->key },
        value    => $node->value,
        children => [ map { tree($_) } eval { @{ $node->children } } ],
    };
}

while ( my $line = <STDIN> ) {
    my $answer = eval {
        my $header = Mail::AuthenticationResults::Parser->new->parse( $json->decode($line) );
        { id => $header->value->value, results => [ map { tree($_) } @{ $header->children } ] };
    };
    print $json->encode( $answer ? { answer => $answer } : { error => "$@" } ), "\n";
}
